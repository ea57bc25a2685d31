//! A program that runs in a namespace: its log, signals, and what it holds.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::namespace::Namespace;

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Holdings {
    pub fds: usize,
    pub threads: usize,
    /// Resident memory, KiB.
    pub rss: usize,
}

/// A started program; killed when dropped. Its output goes to a log file.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` in `namespace`, its output appended to `log`.
    pub fn start(name: &str, namespace: &Namespace, command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log);
        let file = file.unwrap_or_else(|e| panic!("{}: {e}", log.display()));
        command.stdin(Stdio::null()).stderr(file.try_clone().expect("a file")).stdout(file);
        let child =
            namespace.inside(|| command.spawn()).unwrap_or_else(|e| panic!("{name}: {command:?}: {e}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a started process");
        kill_process(pid, signal).unwrap_or_else(|e| panic!("{}: {signal:?}: {e}", self.name));
    }

    /// kill -9, and waits until it is gone.
    pub fn kill(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its own end. Panics when it takes longer than `within`.
    pub fn ends(&mut self, within: Duration) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(begin.elapsed() < within, "{} still runs after {within:?}", self.name);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn holdings(&self) -> Holdings {
        let of = |what: &str| PathBuf::from(format!("/proc/{}/{what}", self.pid()));
        let count = |what: &str| std::fs::read_dir(of(what)).map(Iterator::count).unwrap_or_default();
        let status = std::fs::read_to_string(of("status")).unwrap_or_default();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss = rss.and_then(|rss| rss.split_whitespace().next()?.parse().ok());
        Holdings {
            fds: count("fd"),
            threads: count("task"),
            rss: rss.unwrap_or_else(|| panic!("{} is gone:\n{}", self.name, self.log())),
        }
    }

    /// CPU time that it has used, user and system.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        // Fields 14 and 15, in ticks of 10 ms; counted after the name, which may hold spaces.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(25)..];
            eprintln!("---- log of {} ({})\n{}", self.name, self.log.display(), last.join("\n"));
        }
    }
}
