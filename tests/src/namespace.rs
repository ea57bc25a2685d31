//! One network namespace: a network stack of its own, removed when dropped.

use std::fs::File;
use std::future::Future;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A named network namespace (`ip netns`).
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes it, with loopback up. Panics when this is not root.
    pub fn make(name: String) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make network namespaces and must run as root: sudo make test"
        );
        run(Command::new("ip").args(["netns", "add", &name]));
        let made = Self { name };
        // Else an address counts as new once more after a second or two, and Chromium gives up the page that it is loading
        // (ERR_NETWORK_CHANGED).
        if Path::new("/proc/sys/net/ipv6").exists() {
            made.sysctl("net.ipv6.conf.all.accept_dad", "0");
            made.sysctl("net.ipv6.conf.default.accept_dad", "0");
        }
        made.ip("link set lo up");
        made
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// `ip -n THIS …`, arguments split at spaces. Panics when it fails.
    pub fn ip(&self, arguments: &str) {
        run(Command::new("ip").args(["-n", &self.name]).args(arguments.split_whitespace()));
    }

    /// Loads an nftables script. Panics when it is refused.
    pub fn nft(&self, script: &str) {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.name, "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nft is installed (apt install nftables)");
        child.stdin.take().expect("piped").write_all(script.as_bytes()).expect("nft reads its script");
        let output = child.wait_with_output().expect("nft ends");
        assert!(output.status.success(), "nft: {}\n{script}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn sysctl(&self, name: &str, value: &str) {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        self.inside(|| std::fs::write(&path, value).unwrap_or_else(|e| panic!("{path}: {e}")));
    }

    /// Runs `work` on a thread that lives in this namespace; sockets and processes made there stay in it.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let result = std::thread::scope(|scope| {
            let entered = scope.spawn(|| {
                enter(&self.name);
                work()
            });
            entered.join()
        });
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Runs a future to its end on a runtime whose sockets are in this namespace.
    pub fn block_on<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
        self.inside(|| runtime().block_on(work))
    }

    /// Like [`Self::block_on`], beside the caller.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let name = self.name.clone();
        std::thread::spawn(move || {
            enter(&name);
            runtime().block_on(work)
        })
    }
}

/// Moves the calling thread into a namespace, for the rest of its life.
fn enter(name: &str) {
    let path = PathBuf::from("/run/netns").join(name);
    let handle = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Kills what still runs in a namespace and removes it.
pub(crate) fn remove(name: &str) {
    let pids = Command::new("ip").args(["netns", "pids", name]).output();
    let pids = pids.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    // A test's own threads show up here as well when they are inside: those are not for killing.
    let others = pids.lines().filter_map(|pid| pid.trim().parse().ok()).filter_map(Pid::from_raw);
    for pid in others.filter(|pid| *pid != rustix::process::getpid()) {
        let _gone_already = kill_process(pid, Signal::KILL);
    }
    let _gone_already = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
}

/// Runs a command to its end. Panics with what it said when it fails.
pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
