//! What processes cost, read from `/proc`: processor time and resident memory of whole process trees.

use std::fs;

use rustix::param::clock_ticks_per_second;

/// `roots` and everything below them: sshd and nginx do their work in children.
pub(crate) fn tree(roots: &[u32]) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all().filter_map(|pid| Some((pid, Stat::read(pid)?.parent))).collect();
    let mut found = roots.to_vec();
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|&&(_, of)| of == parent).map(|&(pid, _)| pid));
        next += 1;
    }
    found
}

/// User and system seconds used so far by all threads of the trees, ended and reaped children included.
#[expect(clippy::cast_precision_loss, reason = "ticks of a bounded run stay far below 2^52")]
pub(crate) fn cpu_seconds(roots: &[u32]) -> f64 {
    let ticks: u64 = tree(roots).into_iter().filter_map(Stat::read).map(|stat| stat.ticks).sum();
    ticks as f64 / clock_ticks_per_second() as f64
}

/// Resident set of the trees in kB (`VmRSS`, shared pages counted in each process as `ps` does).
pub(crate) fn rss_kb(roots: &[u32]) -> u64 {
    tree(roots).into_iter().filter_map(resident).sum()
}

fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

struct Stat {
    parent: u32,
    /// utime + stime + cutime + cstime.
    ticks: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// proc_pid_stat(5): the name in brackets may hold anything, so fields count from the last bracket.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok());
        Some(Self { parent: fields.get(1)?.parse().ok()?, ticks: ticks.sum::<Option<u64>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = Stat::parse("7 (a) b) S 3 7 7 0 -1 0 10 0 0 0 100 20 5 1 20 0 1 0 99").unwrap();
        assert_eq!((stat.parent, stat.ticks), (3, 126));
    }
}
