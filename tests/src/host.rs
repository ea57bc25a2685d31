//! A machine of the world: a namespace with one link to the router.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::namespace::Namespace;
use crate::process::Process;
use crate::router::Router;

/// A host; its address is `10.9.N.2/24` and the router's on the same link `10.9.N.1`.
#[derive(Debug)]
pub struct Host {
    name: String,
    number: u8,
    namespace: Namespace,
    folder: PathBuf,
}

impl Host {
    pub(crate) fn make(name: &str, number: u8, namespace: Namespace, folder: PathBuf) -> Self {
        std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        Self { name: name.to_owned(), number, namespace, folder }
    }

    /// Lays the cable to the router.
    pub(crate) fn connect(&self, router: &Router, mtu: u16) {
        let (n, other) = (self.number, router.namespace());
        self.namespace
            .ip(&format!("link add wan mtu {mtu} type veth peer name h{n} mtu {mtu} netns {}", other.name()));
        other.ip(&format!("addr add 10.9.{n}.1/24 dev h{n}"));
        other.ip(&format!("link set h{n} up"));
        self.namespace.ip(&format!("addr add {}/24 dev wan", self.ip()));
        self.namespace.ip("link set wan up");
        self.namespace.ip(&format!("route add default via 10.9.{n}.1"));
    }

    /// A cable to another host, past the router: `10.8.N.1` here and `10.8.N.2` there. Gives both addresses.
    pub fn lan(&self, other: &Self) -> (Ipv4Addr, Ipv4Addr) {
        let n = other.number;
        let (here, there) = (Ipv4Addr::new(10, 8, n, 1), Ipv4Addr::new(10, 8, n, 2));
        self.namespace
            .ip(&format!("link add lan{n} type veth peer name lan netns {}", other.namespace.name()));
        self.namespace.ip(&format!("addr add {here}/24 dev lan{n}"));
        self.namespace.ip(&format!("link set lan{n} up"));
        other.namespace.ip(&format!("addr add {there}/24 dev lan"));
        other.namespace.ip("link set lan up");
        (here, there)
    }

    /// Drops everything that comes in from the router and does not belong to something this host began.
    pub fn firewall(&self) {
        self.namespace.nft(
            "table inet filter { chain input { type filter hook input priority filter; policy accept;\n\
             iifname wan ct state established,related accept\n\
             iifname wan drop\n}\n}\n",
        );
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn ip(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 9, self.number, 2)
    }

    pub fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.ip()), port)
    }

    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// A file or folder of this host.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts a program here; its log is `NAME.log` in the host's folder.
    pub fn start(&self, name: &str, command: &mut Command) -> Process {
        let title = format!("{name} on {}", self.name);
        Process::start(&title, &self.namespace, command, &self.path(&format!("{name}.log")))
    }

    /// Runs a program here to its end. Panics when it fails.
    pub fn run(&self, command: &mut Command) -> String {
        let output = self.namespace.inside(|| crate::namespace::run(command));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// kill -9 for every process of this program here; returns when they are gone.
    pub fn kill_all(&self, program: &Path) {
        crate::wait_for(&format!("{} to be gone", program.display()), Duration::from_secs(5), || {
            let pids = self.running(program);
            for pid in &pids {
                let _gone_already = kill_process(*pid, Signal::KILL);
            }
            if pids.is_empty() { Ok(()) } else { Err(format!("{pids:?}")) }
        });
    }

    fn running(&self, program: &Path) -> Vec<Pid> {
        let listed = crate::namespace::run(Command::new("ip").args(["netns", "pids", self.namespace.name()]));
        let is_it =
            |pid: &&str| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        listed.split_whitespace().filter(is_it).filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    }
}
