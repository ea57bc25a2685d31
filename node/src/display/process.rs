//! Processes that we started, or that an earlier process of ours started: told apart from strangers that later got the
//! same pid by their start time.

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// The leader of a process group. `started` is in clock ticks since boot (field 22 of `/proc/PID/stat`, proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leader {
    pid: i32,
    started: u64,
}

impl Leader {
    /// The process with this pid, if it runs.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let started = start_time(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        Some(Self { pid, started })
    }

    pub(super) fn runs(&self) -> bool {
        u32::try_from(self.pid).ok().and_then(Self::of).is_some_and(|now| now == *self)
    }

    /// Sends the signal to the whole group, if its leader is still the one we know.
    pub(super) fn signal_group(&self, signal: Signal) {
        if let (true, Some(pid)) = (self.runs(), Pid::from_raw(self.pid)) {
            // It may end between the check and the signal; then there is nothing to do.
            let _gone = rustix::process::kill_process_group(pid, signal);
        }
    }
}

/// The start time in a line of `/proc/PID/stat`; none for a process that is dead and only waits to be reaped.
fn start_time(stat: &str) -> Option<u64> {
    // The name stands in parentheses and may hold spaces and parentheses itself, so count from the last one.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_time_is_found_behind_an_odd_name() {
        let tail = "1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2";
        assert_eq!(start_time(&format!("42 (a ) b) S {tail}")), Some(98765));
        assert_eq!(start_time(&format!("42 (a) Z {tail}")), None);
        assert_eq!(start_time("garbage"), None);
    }

    #[test]
    fn another_process_with_the_same_pid_is_not_ours() {
        let me = Leader::of(std::process::id()).unwrap();
        assert!(me.runs());
        assert!(!Leader { started: me.started + 1, ..me }.runs());
    }
}
