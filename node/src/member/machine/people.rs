//! Who is logged in to the machine: `/run/utmp` (utmp(5)), or where there is none any more, logind's own files.

use std::collections::BTreeSet;
use std::path::Path;

const MOST: usize = 512;
/// A record of utmp on every 64-bit Linux: type at 0, process at 4, user at 44.
const RECORD: usize = 384;
const USER_PROCESS: i16 = 7;

/// Everybody once, by name.
pub(super) fn logged_in() -> Vec<String> {
    let users = match std::fs::read("/run/utmp") {
        Ok(utmp) => from_utmp(&utmp, |pid| Path::new(&format!("/proc/{pid}")).exists()),
        Err(_) => from_logind(Path::new("/run/systemd/sessions")),
    };
    users.into_iter().take(MOST).collect()
}

/// Whoever lost power or was killed leaves a record behind; `lives` tells processes that are there.
fn from_utmp(utmp: &[u8], lives: impl Fn(i32) -> bool) -> BTreeSet<String> {
    let user = |record: &[u8]| {
        let kind = i16::from_ne_bytes([record[0], record[1]]);
        let pid = i32::from_ne_bytes([record[4], record[5], record[6], record[7]]);
        let name = record[44..76].split(|byte| *byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        (kind == USER_PROCESS && !name.is_empty() && lives(pid)).then_some(name)
    };
    utmp.chunks_exact(RECORD).filter_map(user).collect()
}

/// One file for each session, with lines such as `USER=alice` and `CLASS=user`.
fn from_logind(folder: &Path) -> BTreeSet<String> {
    let session = |text: String| {
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        (value("CLASS=").as_deref() == Some("user")).then(|| value("USER="))?
    };
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| session(std::fs::read_to_string(file.path()).ok()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: i16, pid: i32, user: &str) -> Vec<u8> {
        let mut record = vec![0; RECORD];
        record[..2].copy_from_slice(&kind.to_ne_bytes());
        record[4..8].copy_from_slice(&pid.to_ne_bytes());
        record[44..44 + user.len()].copy_from_slice(user.as_bytes());
        record
    }

    #[test]
    fn people_are_counted_once_and_the_dead_are_not() {
        let records = [
            record(2, 1, "reboot"),
            record(7, 10, "bob"),
            record(7, 11, "alice"),
            record(7, 12, "bob"),
            record(7, 99, "gone"),
            vec![7; 10],
        ];
        let users = from_utmp(&records.concat(), |pid| pid != 99);
        assert_eq!(users.into_iter().collect::<Vec<_>>(), ["alice", "bob"]);
    }

    #[test]
    fn logind_knows_people_from_greeters() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("1"), "# private\nUSER=alice\nCLASS=user\n").unwrap();
        std::fs::write(dir.path().join("c1"), "USER=gdm\nCLASS=greeter\n").unwrap();
        assert_eq!(from_logind(dir.path()).into_iter().collect::<Vec<_>>(), ["alice"]);
        assert!(from_logind(Path::new("/nonexistent")).is_empty());
    }
}
