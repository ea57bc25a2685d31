//! The ways from a client to a service that are compared: ours and the peers, one file each.

mod bore;
mod direct;
mod dumbpipe;
pub(crate) mod fastx;
mod haproxy;
mod nginx;
mod rathole;
mod ssh;

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::child::Guarded;
use crate::place::{Place, free_port};
use crate::programs::Programs;

/// What a system is compared with; the targets name these groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No tunnel at all: the ceiling.
    Direct,
    OurTunnel,
    OurRelay,
    PlainPeer,
    EncryptedPeer,
    RelayPeer,
}

impl Kind {
    pub(crate) fn is_tunnel_peer(self) -> bool {
        matches!(self, Self::PlainPeer | Self::EncryptedPeer)
    }

    pub(crate) fn is_relay(self) -> bool {
        matches!(self, Self::OurRelay | Self::RelayPeer)
    }
}

/// One way from a client to a service.
pub(crate) trait System: Debug {
    /// The name in results and on the command line.
    fn name(&self) -> &'static str;
    /// The name in tables.
    fn label(&self) -> &'static str;
    fn kind(&self) -> Kind;
    /// Whether it also runs between two namespaces.
    fn on_veth(&self) -> bool {
        false
    }
    /// Its version; an error says why it cannot run on this machine.
    fn version(&self, programs: &Programs) -> Result<String>;
    /// Starts everything that stands between `bench.entry` and `bench.service`. Ready or not: the caller probes.
    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>>;
}

/// What a system is given to start with.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) place: &'a Place,
    pub(crate) programs: &'a Programs,
    /// Where clients connect, outside.
    pub(crate) entry: SocketAddr,
    /// Where the service listens, inside.
    pub(crate) service: SocketAddr,
    /// An empty folder for configuration, keys and logs.
    pub(crate) dir: &'a Path,
}

impl Bench<'_> {
    /// How long one step of a start may take; dumbpipe waits 5 s for a relay it cannot reach.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(15)
    }

    /// An address for the tunnel itself: outside, a free port.
    fn rendezvous(&self) -> Result<SocketAddr> {
        Ok(SocketAddr::new(self.place.outside.address.into(), free_port()?))
    }
}

/// Every system, in the order of the tables.
pub(crate) fn all() -> Vec<Box<dyn System>> {
    vec![
        Box::new(direct::Direct),
        Box::new(fastx::Tunnel::Quic),
        Box::new(fastx::Tunnel::Tls),
        Box::new(rathole::Rathole::Plain),
        Box::new(rathole::Rathole::Noise),
        Box::new(ssh::Ssh),
        Box::new(bore::Bore),
        Box::new(dumbpipe::Dumbpipe),
        Box::new(fastx::Relay),
        Box::new(haproxy::Haproxy),
        Box::new(nginx::NginxStream),
    ]
}

/// The name in tables of the system called `name`.
pub(crate) fn label(name: &str) -> &'static str {
    all().iter().find(|system| system.name() == name).map_or("", |system| system.label())
}

/// Where clients of a tunnel connect: always on the outside's own loopback.
pub(crate) fn entry() -> Result<SocketAddr> {
    Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port()?))
}
