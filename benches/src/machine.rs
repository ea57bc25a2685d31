//! What the numbers were measured on.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

use crate::programs::Programs;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    pub(crate) date: String,
    /// Of this repository; `+` when files were changed.
    pub(crate) commit: String,
    pub(crate) kernel: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gb: u64,
    /// One minute's load average at the start: above 1, another job disturbed the run.
    pub(crate) load: String,
    pub(crate) congestion: String,
    /// net.core.rmem_max and wmem_max, bytes.
    pub(crate) socket_buffers: [String; 2],
    /// Load generators and their versions.
    pub(crate) clients: Vec<String>,
}

impl Machine {
    pub(crate) fn read(programs: &Programs) -> Self {
        let clients = [("iperf3", "--version"), ("sockperf", "--version"), ("wrk", "-v"), ("nginx", "-v")];
        let clients = clients.map(|(name, argument)| match programs.version(name, &[argument]) {
            Ok(version) => format!("{name} {version}"),
            Err(error) => format!("{name}: {error}"),
        });
        Self {
            date: output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
            commit: output("git", &["describe", "--always", "--dirty=+", "--exclude=*"]),
            kernel: file("/proc/sys/kernel/osrelease"),
            cpu: field("/proc/cpuinfo", "model name"),
            cores: available_parallelism().map_or(1, usize::from),
            memory_gb: field("/proc/meminfo", "MemTotal")
                .split(' ')
                .next()
                .and_then(|kb| kb.parse().ok())
                .unwrap_or(0u64)
                / 1_000_000,
            load: file("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            congestion: file("/proc/sys/net/ipv4/tcp_congestion_control"),
            socket_buffers: [file("/proc/sys/net/core/rmem_max"), file("/proc/sys/net/core/wmem_max")],
            clients: clients.into(),
        }
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn file(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The value of the first `name : value` line.
fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim_start_matches([' ', '\t', ':']).to_owned()
}
