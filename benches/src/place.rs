//! Where a measurement runs: one machine's loopback, or two network namespaces joined by a veth pair.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// The two ends of a path. Clients and the public end of a tunnel are outside; the dialling end and the service inside.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) outside: Side,
    pub(crate) inside: Side,
    _namespaces: Vec<Namespace>,
}

/// One end: its address on the path, and the namespace its programs run in.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) address: Ipv4Addr,
    namespace: Option<String>,
}

impl Side {
    /// A command that runs on this side and dies with us even when we are killed.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        if let Some(namespace) = &self.namespace {
            command.args(["ip", "netns", "exec", namespace]);
        }
        command.arg(program.as_ref());
        command
    }
}

impl Place {
    pub(crate) fn loopback() -> Self {
        let side = || Side { address: Ipv4Addr::LOCALHOST, namespace: None };
        Self { name: "loopback", outside: side(), inside: side(), _namespaces: Vec::new() }
    }

    /// Two namespaces, `10.213.0.1` outside and `10.213.0.2` inside, MTU 1500 with the kernel's default offloads.
    pub(crate) fn veth() -> Result<Self> {
        ensure!(rustix::process::geteuid().is_root(), "network namespaces need root");
        remove_leftovers()?;
        let id = std::process::id();
        let (outside, inside) =
            (Namespace::create(format!("bench-out-{id}"))?, Namespace::create(format!("bench-in-{id}"))?);
        ip(&format!(
            "link add veth0 netns {} mtu 1500 type veth peer name veth0 netns {} mtu 1500",
            outside.0, inside.0
        ))?;
        let outside_address = Ipv4Addr::new(10, 213, 0, 1);
        let inside_address = Ipv4Addr::new(10, 213, 0, 2);
        for (namespace, address) in [(&outside.0, outside_address), (&inside.0, inside_address)] {
            ip(&format!("-n {namespace} addr add {address}/24 dev veth0"))?;
            ip(&format!("-n {namespace} link set veth0 up"))?;
            ip(&format!("-n {namespace} link set lo up"))?;
        }
        Ok(Self {
            name: "veth",
            outside: Side { address: outside_address, namespace: Some(outside.0.clone()) },
            inside: Side { address: inside_address, namespace: Some(inside.0.clone()) },
            _namespaces: vec![outside, inside],
        })
    }
}

/// A network namespace, deleted on drop; its end of the pair goes with it.
#[derive(Debug)]
struct Namespace(String);

impl Namespace {
    fn create(name: String) -> Result<Self> {
        ip(&format!("netns add {name}"))?;
        Ok(Self(name))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = ip(&format!("netns del {}", self.0)) {
            eprintln!("bench: {error:#}");
        }
    }
}

/// Deletes the namespaces of runs that were killed: named after a process that is no more.
fn remove_leftovers() -> Result<()> {
    let entries = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    for name in names.filter(|name| name.starts_with("bench-")) {
        let owner = name.rsplit('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            ip(&format!("netns del {name}"))?;
        }
    }
    Ok(())
}

fn ip(arguments: &str) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .stdin(Stdio::null())
        .output()
        .context("cannot run ip (package iproute2)")?;
    if !output.status.success() {
        bail!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// A port free for TCP a moment ago. Namespaces are new and empty, so what is free here is free there.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
