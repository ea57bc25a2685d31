//! Processes that we started, or that an earlier process of ours started: told apart from strangers that later got the
//! same pid by their start time.

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// What a process is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Role {
    /// Shows it.
    Server,
    /// Goes unnoticed: a window manager.
    Aid,
    /// What the session is there for.
    Program,
}

/// The leader of a process group. `started` is in clock ticks since boot (field 22 of `/proc/PID/stat`, proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leader {
    pub(super) role: Role,
    pub(super) pid: i32,
    pub(super) started: u64,
    /// The account that it runs as.
    pub(super) uid: u32,
}

impl Leader {
    /// The process with this pid, which may have ended but was not reaped; it is, or will be, one of `uid`.
    pub(super) fn of(pid: u32, role: Role, uid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let (_, started) = read(pid)?;
        Some(Self { role, pid, started, uid })
    }

    /// Whether it still runs, and is not another that got its number: one with its start time and its owner. Until it has
    /// become its owner's it is ours.
    pub(super) fn runs(&self) -> bool {
        let owner = || owner(self.pid).is_some_and(|uid| uid == self.uid || uid == own_uid());
        read(self.pid) == Some((Life::Runs, self.started)) && owner()
    }

    /// Sends the signal to the whole group, if its leader is still the one we know.
    pub(super) fn signal_group(&self, signal: Signal) {
        if let (true, Some(pid)) = (self.runs(), Pid::from_raw(self.pid)) {
            // It may end between the check and the signal; then there is nothing to do.
            let _gone = rustix::process::kill_process_group(pid, signal);
        }
    }
}

/// The account that this service runs as.
pub(super) fn own_uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The kernel's name for this run of the machine: start times count from its beginning.
pub(super) fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

fn read(pid: i32) -> Option<(Life, u64)> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The real user of a process (the line `Uid:` of `/proc/PID/status`).
pub(super) fn owner(pid: i32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Runs,
    /// Dead, and only waits to be reaped.
    Over,
}

/// State and start time in a line of `/proc/PID/stat`.
fn parse(stat: &str) -> Option<(Life, u64)> {
    // The name stands in parentheses and may hold spaces and parentheses itself, so count from the last one.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let life = if matches!(fields.next()?, "Z" | "X") { Life::Over } else { Life::Runs };
    Some((life, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_start_time_are_found_behind_an_odd_name() {
        let tail = "1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2";
        assert_eq!(parse(&format!("42 (a ) b) S {tail}")), Some((Life::Runs, 98765)));
        assert_eq!(parse(&format!("42 (a) Z {tail}")), Some((Life::Over, 98765)));
        assert_eq!(parse("garbage"), None);
    }

    #[test]
    fn another_process_with_the_same_pid_is_not_ours() {
        let me = Leader::of(std::process::id(), Role::Program, own_uid()).unwrap();
        assert!(me.runs());
        assert!(!Leader { started: me.started + 1, ..me }.runs(), "it started at another time");
        let init = Leader::of(1, Role::Program, 54_321);
        let strange = init.is_some_and(|init| owner(1) != Some(own_uid()) && init.runs());
        assert!(!strange, "it is somebody else's");
    }
}
