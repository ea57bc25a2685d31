//! All processes of a session, also those that left its process groups: each has `FX_SESSION_ID` in its environment, and
//! none of another account counts.

use std::os::fd::OwnedFd;

use cluster::session::SessionId;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::process::owner;

/// Sends `signal` to each process of the session but `spare`; returns how many there were.
pub(super) fn signal(id: &SessionId, uid: u32, signal: Signal, spare: &[i32]) -> usize {
    signal_tagged(&format!("FX_SESSION_ID={id}"), uid, signal, |pid, _| !spare.contains(&pid))
}

/// The same, by any variable of their environment; `wanted` is asked with the pid and the whole environment.
pub(super) fn signal_tagged(
    entry: &str,
    uid: u32,
    signal: Signal,
    wanted: impl Fn(i32, &[u8]) -> bool,
) -> usize {
    let mut found = 0;
    for pid in processes() {
        // Opened before it is looked at, the signal reaches that process and no later one with its number.
        let Some(process) = open(pid) else { continue };
        if environment(pid, uid, entry.as_bytes()).is_some_and(|all| wanted(pid, &all)) {
            found += 1;
            let _gone = pidfd_send_signal(process, signal);
        }
    }
    found
}

fn open(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

/// The environment of a process of that owner, if it has the entry.
fn environment(pid: i32, uid: u32, entry: &[u8]) -> Option<Vec<u8>> {
    if owner(pid) != Some(uid) {
        return None;
    }
    // Of a process that ended and was not reaped yet there is none.
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == entry).then_some(environment)
}

fn processes() -> impl Iterator<Item = i32> {
    let own = i32::try_from(std::process::id()).ok();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(move |pid| Some(*pid) != own && *pid > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::process::own_uid;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn what_left_its_group_is_found_and_others_are_let_live() {
        let id = SessionId::random();
        let sleeper = |id: &str| {
            let mut command = Command::new("sleep");
            command.arg("600").env("FX_SESSION_ID", id).process_group(0).spawn().unwrap()
        };
        let (mut ours, mut other) = (sleeper(id.as_str()), sleeper("another"));
        // Until its exec a child has the environment of this test.
        let began = std::time::Instant::now();
        while signal(&id, own_uid(), Signal::KILL, &[]) == 0 {
            assert!(began.elapsed().as_secs() < 30, "it is not found");
        }
        assert!(!ours.wait().unwrap().success());
        assert_eq!(signal(&id, own_uid() + 1, Signal::KILL, &[]), 0);
        assert!(other.try_wait().unwrap().is_none(), "it lives");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
