//! The world: the shipped tunnel, relay and node code on a simulated network, in one thread and in simulated time.
//!
//! ```text
//! run      builds the world, lets the plan happen, looks at what is left
//! clock    moves time to the next event        wire     packets climb links and boxes
//! hosts    what runs where                     gateway, node, client
//! udp, tcp sockets on the wire                 network  what a host's shards see of it
//! cluster  members, managers, their broker
//! faults   what goes wrong                     sample, watch: what the outcome is made of
//! ```

mod addresses;
mod agenda;
mod baseline;
#[cfg(test)]
mod broken;
mod client;
mod clock;
mod cluster;
mod door;
mod error;
mod event;
mod faults;
mod gateway;
mod hosts;
mod identity;
mod line;
mod machine;
mod memory;
mod network;
mod node;
mod orphans;
mod packet;
mod pause;
mod people;
mod port;
mod prepare;
mod registrations;
mod route;
mod run;
mod sample;
mod tcp;
mod trace;
mod travel;
mod udp;
mod watch;
mod wire;
mod work;

use std::fmt::{Display, Formatter};

pub use error::RunError;
pub use run::{Logged, run, run_logged};

use crate::plan::HostId;

/// The name of a host's folder.
struct HostFolder(HostId);

impl Display for HostFolder {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:05}", self.0.0)
    }
}
