//! Real servers, each on a loopback address of its own, killed when dropped. The tests of `manager` use this file too.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part of it")]

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

pub mod certificates;
pub mod nats;
pub mod redis;

/// Only guards against hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An address nobody else uses: the process in the middle, a count at the end. Ports are fixed, so that a server comes
/// back where it was.
pub fn address() -> Ipv4Addr {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id();
    let [.., high, low] = process.to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A program on the PATH, where Debian puts servers, or where `packaging/install-needs test` puts the others.
pub fn program(name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [tools].into_iter().chain(std::env::split_paths(&path)).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed; next: packaging/install-needs test"))
}

/// A running server, its output in `log`.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    pub fn start(program: &Path, arguments: &[&str], log: &Path) -> Self {
        let log = File::options().append(true).create(true).open(log).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// SIGSTOP, and until every thread of it stands still.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        let stopped = waitpid(Some(Pid::from_child(&self.child)), WaitOptions::UNTRACED).unwrap();
        assert!(stopped.is_some_and(|(_, status)| status.stopped()));
    }

    /// SIGTERM, and until it has ended by itself.
    pub fn end(&mut self) {
        self.signal(Signal::TERM);
        self.child.wait().unwrap();
    }

    /// `kill -9`, and until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}
