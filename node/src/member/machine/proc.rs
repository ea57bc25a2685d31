//! What the kernel writes in /proc, read into numbers (proc(5)). Pure; what is missing or odd counts as nothing.

use std::collections::BTreeMap;

use cluster::server::{Memory, Stall};

/// Jiffies since the start of the machine, of all processors together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Processors {
    pub(super) busy: u64,
    pub(super) all: u64,
    pub(super) count: u32,
}

/// `/proc/stat`.
pub(super) fn processors(stat: &str) -> Processors {
    let count = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    let times: Vec<u64> = stat
        .lines()
        .find_map(|line| line.strip_prefix("cpu "))
        .map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .unwrap_or_default();
    // user nice system idle iowait irq softirq steal; the guests' times behind them are in user and nice already.
    let all: u64 = times.iter().take(8).sum();
    let idle: u64 = times.iter().skip(3).take(2).sum();
    Processors { busy: all.saturating_sub(idle), all, count: u32::try_from(count).unwrap_or(u32::MAX) }
}

impl Processors {
    /// Percent of the time since `before` that they were busy.
    pub(super) fn since(&self, before: &Self) -> f64 {
        let all = self.all.saturating_sub(before.all);
        if all == 0 { 0.0 } else { tenth(100.0 * self.busy.saturating_sub(before.busy) as f64 / all as f64) }
    }
}

/// More digits than anybody reads would only make each update longer.
pub(super) fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// `/proc/meminfo`: memory that processes can still get, and swap.
pub(super) fn memory(meminfo: &str) -> (Memory, Memory) {
    let bytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    let memory = Memory { total: bytes("MemTotal"), free: bytes("MemAvailable") };
    (memory, Memory { total: bytes("SwapTotal"), free: bytes("SwapFree") })
}

/// `/proc/loadavg`: over 1, 5 and 15 minutes.
pub(super) fn load(loadavg: &str) -> [f64; 3] {
    let mut words = loadavg.split_whitespace().map(|word| word.parse().unwrap_or(0.0));
    std::array::from_fn(|_| words.next().unwrap_or(0.0))
}

/// `/proc/uptime`, seconds.
pub(super) fn uptime(uptime: &str) -> u64 {
    let whole = uptime.split(['.', ' ']).next();
    whole.and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}

/// `/proc/net/dev`: bytes received and sent, by interface, without the loopback.
pub(super) fn network(dev: &str) -> BTreeMap<String, (u64, u64)> {
    let interface = |line: &str| {
        let (name, counts) = line.split_once(':')?;
        let counts: Vec<u64> = counts.split_whitespace().filter_map(|count| count.parse().ok()).collect();
        let name = name.trim();
        (name != "lo").then(|| Some((name.to_owned(), (*counts.first()?, *counts.get(8)?))))?
    };
    dev.lines().filter_map(interface).collect()
}

/// One file of `/proc/pressure`.
pub(super) fn stall(pressure: &str) -> Stall {
    let line = |kind: &str| {
        let line = pressure.lines().find_map(|line| line.strip_prefix(kind)).unwrap_or_default();
        let mut means = line
            .split_whitespace()
            .filter(|word| word.starts_with("avg"))
            .map(|word| word.split_once('=').and_then(|(_, mean)| mean.parse().ok()).unwrap_or(0.0));
        std::array::from_fn(|_| means.next().unwrap_or(0.0))
    };
    Stall { some: line("some "), full: line("full ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_busy_with_everything_but_waiting() {
        let before = processors("cpu  100 0 50 800 50 0 0 0 7 0\ncpu0 1 1\ncpu1 1 1\nintr 5\n");
        assert_eq!(before, Processors { busy: 150, all: 1000, count: 2 });
        let now = processors("cpu  130 0 60 850 60 0 0 0 9 0\ncpu0 1 1\ncpu1 1 1\n");
        assert_eq!(now.since(&before), 40.0);
        assert_eq!((now.since(&now), Processors::default().since(&now)), (0.0, 0.0));
    }

    #[test]
    fn the_kernel_is_read_as_it_writes() {
        let meminfo = "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    250 kB\nSwapTotal: 8 kB\nSwapFree: 4 kB\n";
        let (memory, swap) = memory(meminfo);
        assert_eq!((memory.total, memory.free), (1_024_000, 256_000));
        assert_eq!((swap.total, swap.free), (8192, 4096));
        assert_eq!(load("0.52 1.05 2.00 3/400 12345\n"), [0.52, 1.05, 2.0]);
        assert_eq!(uptime("12345.67 99.00\n"), 12345);
        let dev = "Inter-| Receive | Transmit\n face |bytes packets\n    lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n  eth0:100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n";
        assert_eq!(network(dev), BTreeMap::from([("eth0".to_owned(), (100, 200))]));
        let pressure = "some avg10=1.50 avg60=0.25 avg300=0.00 total=99\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=1\n";
        assert_eq!(stall(pressure), Stall { some: [1.5, 0.25, 0.0], full: [0.5, 0.0, 0.0] });
    }

    #[test]
    fn nonsense_is_nothing() {
        for text in ["", "cpu ", ":", "some avg10", "\0"] {
            assert_eq!(processors(text).since(&Processors::default()), 0.0);
            assert_eq!(memory(text).0, Memory::default());
            assert_eq!((load(text), uptime(text), stall(text)), ([0.0; 3], 0, Stall::default()));
            assert!(network(text).is_empty());
        }
    }
}
