//! Network address translation: many hosts behind one public address, with a table that forgets.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use super::Protocol;

/// The first port that is given out, as home routers do (below are services).
const FIRST_PORT: u16 = 1024;

/// How a NAT behaves. Each inside address and port gets one outside port for all destinations (RFC 4787's
/// endpoint-independent mapping), and only who was sent to may answer (address and port dependent filtering).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct NatModel {
    /// An unused UDP entry is forgotten after this. RFC 4787 asks for 2 minutes; 30 s is often met.
    #[serde(with = "config::duration")]
    pub idle: Duration,
    /// The same for TCP. RFC 5382 asks for 2 h 4 min.
    #[serde(with = "config::duration")]
    pub tcp_idle: Duration,
    /// At every multiple of this time all entries are forgotten, and the next packet of each flow gets another port.
    #[serde(deserialize_with = "some_span")]
    pub rebind_every: Option<Duration>,
}

impl Default for NatModel {
    fn default() -> Self {
        Self { idle: Duration::from_secs(30), tcp_idle: Duration::from_secs(7440), rebind_every: None }
    }
}

fn some_span<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    config::duration::deserialize(deserializer).map(Some)
}

/// A NAT with its table. Addresses are those of IP and port; time is a duration since any start, never decreasing.
#[derive(Clone, Debug)]
pub struct Nat {
    model: NatModel,
    public: IpAddr,
    entries: BTreeMap<(Protocol, SocketAddr), Entry>,
    /// From outside port to inside address.
    ports: BTreeMap<(Protocol, u16), SocketAddr>,
    next_port: u16,
    /// Which multiple of `rebind_every` was seen last.
    epoch: u128,
}

#[derive(Clone, Debug)]
struct Entry {
    port: u16,
    used: Duration,
    /// Who may answer, and when it was last sent to.
    peers: BTreeMap<SocketAddr, Duration>,
}

impl Nat {
    pub fn new(model: NatModel, public: IpAddr) -> Self {
        let (entries, ports) = (BTreeMap::new(), BTreeMap::new());
        Self { model, public, entries, ports, next_port: FIRST_PORT, epoch: 0 }
    }

    /// A packet goes out: the source that the outside sees, or `None` when all ports are in use.
    pub fn outbound(
        &mut self,
        now: Duration,
        protocol: Protocol,
        inside: SocketAddr,
        to: SocketAddr,
    ) -> Option<SocketAddr> {
        self.forget(now, protocol, inside);
        if !self.entries.contains_key(&(protocol, inside)) {
            let port = self.free_port(now, protocol)?;
            self.ports.insert((protocol, port), inside);
            self.entries.insert((protocol, inside), Entry { port, used: now, peers: BTreeMap::new() });
        }
        let idle = self.idle(protocol);
        let entry = self.entries.get_mut(&(protocol, inside)).expect("made above");
        entry.used = now;
        if entry.peers.insert(to, now).is_none() {
            entry.peers.retain(|_, used| now - *used < idle);
        }
        Some(SocketAddr::new(self.public, entry.port))
    }

    /// A packet comes in for `port`: the host it goes to, or `None` when nobody there spoke to `from`. As RFC 4787 has
    /// it, coming in keeps an entry alive.
    pub fn inbound(
        &mut self,
        now: Duration,
        protocol: Protocol,
        port: u16,
        from: SocketAddr,
    ) -> Option<SocketAddr> {
        let inside = *self.ports.get(&(protocol, port))?;
        self.forget(now, protocol, inside);
        let idle = self.idle(protocol);
        let entry = self.entries.get_mut(&(protocol, inside))?;
        let peer = entry.peers.get_mut(&from).filter(|used| now - **used < idle)?;
        *peer = now;
        entry.used = now;
        Some(inside)
    }

    /// Forgets everything; the next packet of each flow gets another port.
    pub fn rebind(&mut self) {
        self.entries.clear();
        self.ports.clear();
    }

    /// Forgets everything and has another public address from now on, as after a new dial-in or another network.
    pub fn readdress(&mut self, public: IpAddr) {
        self.public = public;
        self.rebind();
    }

    pub fn public(&self) -> IpAddr {
        self.public
    }

    /// How many entries there are; forgotten ones count until they are looked at.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn idle(&self, protocol: Protocol) -> Duration {
        match protocol {
            Protocol::Udp => self.model.idle,
            Protocol::Tcp => self.model.tcp_idle,
        }
    }

    /// Removes the entry of `inside` if it is too old, and all when it is time to rebind.
    fn forget(&mut self, now: Duration, protocol: Protocol, inside: SocketAddr) {
        if let Some(every) = self.model.rebind_every.filter(|every| !every.is_zero()) {
            let epoch = now.as_nanos() / every.as_nanos();
            if epoch != self.epoch {
                self.epoch = epoch;
                self.rebind();
            }
        }
        let (key, idle) = ((protocol, inside), self.idle(protocol));
        if let Some(entry) = self.entries.get(&key).filter(|entry| now - entry.used >= idle) {
            self.ports.remove(&(protocol, entry.port));
            self.entries.remove(&key);
        }
    }

    /// Another port than the last one, so that a forgotten flow comes back with a new one.
    fn free_port(&mut self, now: Duration, protocol: Protocol) -> Option<u16> {
        for _ in FIRST_PORT..=u16::MAX {
            let port = self.next_port;
            self.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
            if let Some(owner) = self.ports.get(&(protocol, port)).copied() {
                self.forget(now, protocol, owner);
            }
            if !self.ports.contains_key(&(protocol, port)) {
                return Some(port);
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "nat_tests.rs"]
mod tests;
