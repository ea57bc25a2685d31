//! Finding the programs that are measured: ours beside this one, peers installed or installed now, the rest from PATH.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};

/// Peers that come from crates.io: program, crate, version.
const PEERS: [(&str, &str, &str); 3] =
    [("rathole", "rathole", "0.5.0"), ("bore", "bore-cli", "0.6.0"), ("dumbpipe", "dumbpipe", "0.40.1")];
const OURS: [&str; 4] = ["fastx-gateway", "fastx", "idle_nodes", "members"];
const OTHERS: [&str; 10] =
    ["ssh", "sshd", "ssh-keygen", "haproxy", "nginx", "iperf3", "sockperf", "wrk", "ip", "nats-server"];

/// Where each program is; a missing one keeps the reason.
#[derive(Debug)]
pub(crate) struct Programs(BTreeMap<&'static str, Result<PathBuf, String>>);

impl Programs {
    /// Looks everything up; those peers that are `wanted` and nowhere are built with `cargo install` (minutes, once).
    pub(crate) fn locate(wanted: impl Fn(&str) -> bool) -> Result<Self> {
        let beside = env::current_exe()?.parent().context("this program has no folder")?.to_owned();
        let cache = env::var_os("BENCH_PEERS").map_or_else(|| beside.join("../peers"), PathBuf::from);
        let mut found = BTreeMap::new();
        for name in OURS {
            let path = beside.join(name);
            let missing = || format!("{} is not built: cargo build --release", path.display());
            found.insert(name, path.exists().then(|| path.clone()).ok_or_else(missing));
        }
        for (name, package, version) in PEERS.into_iter().filter(|(name, ..)| wanted(name)) {
            found.insert(name, peer(name, package, version, &cache).map_err(|error| format!("{error:#}")));
        }
        for name in OTHERS {
            found.insert(name, on_path(name).ok_or_else(|| format!("{name} is not installed")));
        }
        Ok(Self(found))
    }

    pub(crate) fn find(&self, name: &str) -> Result<&Path> {
        let entry = self.0.get(name).with_context(|| format!("{name} is not a known program"))?;
        entry.as_deref().map_err(|reason| anyhow!("{reason}"))
    }

    /// The version a program prints about itself.
    pub(crate) fn version(&self, name: &str, arguments: &[&str]) -> Result<String> {
        ask_version(self.find(name)?, arguments)
    }
}

fn peer(name: &str, package: &str, version: &str, cache: &Path) -> Result<PathBuf> {
    let candidates = [Some(cache.join(name)), Some(cache.join("bin").join(name)), on_path(name)];
    let right = |path: &PathBuf| ask_version(path, &["--version"]).is_ok_and(|found| found == version);
    if let Some(path) = candidates.into_iter().flatten().find(right) {
        return Ok(path);
    }
    eprintln!("bench: installing {package} {version} into {}", cache.display());
    // Not --locked: the `time` release that rathole 0.5.0 locks no longer compiles.
    let status = Command::new("cargo")
        .args(["install", package, "--version", version, "--root"])
        .arg(cache)
        .arg("--target-dir")
        .arg(cache.join("build"))
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo install {package} --version {version} failed");
    Ok(cache.join("bin").join(name))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    // Debian keeps daemons where an ordinary user's PATH does not look.
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&folders).chain(system).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn ask_version(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let text = [output.stdout, output.stderr].concat();
    parse_version(&String::from_utf8_lossy(&text))
        .with_context(|| format!("{} printed no version", program.display()))
}

/// The first word like `1.2.3`, `v1.2`, `name/1.2` or `Name_9.2p1`; a timestamp is none.
fn parse_version(text: &str) -> Option<String> {
    let words = text.split_whitespace().map(|word| word.rsplit(['/', '_']).next().unwrap_or(word));
    let words = words.map(|word| word.trim_start_matches('v'));
    let is_version = |word: &&str| {
        word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.') && !word.contains(':')
    };
    words.map(|word| word.trim_end_matches(',')).find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions_as_the_programs_print_them() {
        let printed = [
            (
                "rathole \nBuild Timestamp:     2026-11-22T17:36:28.661248182Z\nBuild Version:       0.5.0",
                "0.5.0",
            ),
            ("bore-cli 0.6.0", "0.6.0"),
            ("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19", "9.2p1"),
            ("nginx version: nginx/1.22.1", "1.22.1"),
            ("wrk debian/4.1.0-3+b2 [epoll]", "4.1.0-3+b2"),
            ("sockperf, version 3.7-no.git", "3.7-no.git"),
            ("nats-server: v2.9.10", "2.9.10"),
        ];
        for (text, version) in printed {
            assert_eq!(parse_version(text).as_deref(), Some(version));
        }
    }
}
