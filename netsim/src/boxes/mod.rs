//! What stands in the way of packets: [`Nat`] and [`Firewall`]. Both sit where a path meets the Internet, see each packet
//! that crosses, and are told the time.

mod firewall;
mod nat;

use std::net::SocketAddr;

pub use firewall::{Firewall, FirewallModel, Udp};
pub use nat::{Nat, NatModel};

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Udp,
    Tcp,
}

/// A conversation, seen from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    pub protocol: Protocol,
    pub inside: SocketAddr,
    pub outside: SocketAddr,
}

/// Which way a packet crosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    Out,
    In,
}
