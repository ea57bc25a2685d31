//! Where a measurement runs: one machine's loopback, or two network namespaces joined by a veth pair.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The two ends of a path. Clients and the public end of a tunnel are outside; the dialling end and the service inside.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) outside: Side,
    pub(crate) inside: Side,
    namespaces: Vec<Namespace>,
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

    /// Runs `work` on a thread of this side; sockets made there stay on it.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let Some(namespace) = &self.namespace else { return Ok(work()) };
        let handle = fs::File::open(Path::new("/run/netns").join(namespace))?;
        let entered = move || {
            move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        };
        thread::scope(|scope| scope.spawn(entered).join().expect("what is measured does not panic"))
    }

    /// Takes a device of ours for this side's end of the path.
    pub(crate) fn adopt(&self, device: &str) -> Result<()> {
        let namespace = self.namespace.as_ref().context("loopback takes no device")?;
        ip(&format!("link set {device} netns {namespace}"))?;
        ip(&format!("-n {namespace} addr add {}/24 dev {device}", self.address))?;
        ip(&format!("-n {namespace} link set {device} mtu 1500 txqueuelen 10000 up"))
    }
}

impl Place {
    pub(crate) fn loopback() -> Self {
        let side = || Side { address: Ipv4Addr::LOCALHOST, namespace: None };
        Self { name: "loopback", outside: side(), inside: side(), namespaces: Vec::new() }
    }

    /// Two namespaces with a veth pair between them, MTU 1500 with the kernel's default offloads.
    pub(crate) fn veth() -> Result<Self> {
        let place = Self::apart("veth")?;
        let [outside, inside] = &place.namespaces[..] else { bail!("two namespaces were made") };
        ip(&format!(
            "link add veth0 netns {} mtu 1500 type veth peer name veth0 netns {} mtu 1500",
            outside.0, inside.0
        ))?;
        for (namespace, side) in [(outside, &place.outside), (inside, &place.inside)] {
            ip(&format!("-n {} addr add {}/24 dev veth0", namespace.0, side.address))?;
            ip(&format!("-n {} link set veth0 up", namespace.0))?;
        }
        Ok(place)
    }

    /// Two namespaces, `10.213.0.1` outside and `10.213.0.2` inside, with nothing between them yet.
    pub(crate) fn apart(name: &'static str) -> Result<Self> {
        ensure!(rustix::process::geteuid().is_root(), "network namespaces need root");
        remove_leftovers()?;
        let id = std::process::id();
        let namespaces =
            vec![Namespace::create(format!("bench-out-{id}"))?, Namespace::create(format!("bench-in-{id}"))?];
        let side = |number: u8, namespace: &Namespace| {
            ip(&format!("-n {} link set lo up", namespace.0))?;
            Ok::<_, anyhow::Error>(Side {
                address: Ipv4Addr::new(10, 213, 0, number),
                namespace: Some(namespace.0.clone()),
            })
        };
        let (outside, inside) = (side(1, &namespaces[0])?, side(2, &namespaces[1])?);
        Ok(Self { name, outside, inside, namespaces })
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
