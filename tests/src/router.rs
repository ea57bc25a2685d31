//! The network between the hosts, which can be told to misbehave.

use std::sync::atomic::{AtomicU8, Ordering};

use socket2::{Domain, Protocol, Socket, Type};

use crate::host::Host;
use crate::namespace::Namespace;

/// A namespace that forwards between all hosts of a world.
#[derive(Debug)]
pub struct Router {
    namespace: Namespace,
    rebindings: AtomicU8,
}

impl Router {
    pub(crate) fn make(name: String) -> Self {
        let namespace = Namespace::make(name);
        namespace.sysctl("net.ipv4.ip_forward", "1");
        Self { namespace, rebindings: AtomicU8::new(0) }
    }

    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Swallows every UDP packet, without a word to anybody.
    pub fn udp_blackhole(&self, on: bool) {
        self.rule(on, "ipproto udp blackhole pref 10");
    }

    /// Swallows UDP packets that come from this host; those to it still arrive.
    pub fn udp_one_way(&self, from: &Host, on: bool) {
        self.rule(on, &format!("from {} ipproto udp blackhole pref 11", from.ip()));
    }

    fn rule(&self, on: bool, rule: &str) {
        let verb = if on { "add" } else { "del" };
        self.namespace.ip(&format!("rule {verb} {rule}"));
    }

    /// Hides a host's UDP behind the router's own addresses, from now on: NAT as at the edge of an office.
    pub fn nat(&self, host: &Host) {
        self.masquerade(host, 20_000);
    }

    /// The NAT forgets what it knew: every flow of the host goes on from another source port.
    pub fn rebind_nat(&self, host: &Host) {
        let n = self.rebindings.fetch_add(1, Ordering::Relaxed);
        self.masquerade(host, 21_000 + 1000 * u16::from(n % 40));
        self.namespace.inside(flush_connection_tracking);
    }

    fn masquerade(&self, host: &Host, first_port: u16) {
        self.namespace.nft(&format!(
            "table ip nat {{}}\n\
             flush table ip nat\n\
             table ip nat {{ chain out {{ type nat hook postrouting priority srcnat;\n\
             ip saddr {} ip protocol udp masquerade to :{first_port}-{}\n}}\n}}\n",
            host.ip(),
            first_port + 999
        ));
    }
}

/// `conntrack -F` of the calling thread's namespace, without that program: one netlink message.
fn flush_connection_tracking() {
    const AF_NETLINK: i32 = 16;
    const NETLINK_NETFILTER: i32 = 12;
    // nlmsghdr: length u32, type u16 (ctnetlink 1, delete 2), flags u16 (request), sequence u32, pid u32;
    // nfgenmsg: family u8 (2: IPv4), version u8, resource u16. Without attributes it means all entries.
    let mut message = Vec::with_capacity(20);
    message.extend_from_slice(&20_u32.to_ne_bytes());
    message.extend_from_slice(&0x0102_u16.to_ne_bytes());
    message.extend_from_slice(&1_u16.to_ne_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(&[2, 0, 0, 0]);
    let socket = Socket::new(Domain::from(AF_NETLINK), Type::RAW, Some(Protocol::from(NETLINK_NETFILTER)));
    let sent = socket.and_then(|socket| socket.send(&message)).expect("root may flush connection tracking");
    assert_eq!(sent, message.len());
}
