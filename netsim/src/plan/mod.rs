//! A plan: a network, what goes wrong in it, what people do meanwhile, and what must hold. An administrator writes it
//! as TOML; `docs/simulation.md` explains every key.
//!
//! - [`Plan`] is the file in its final types, with every name in it known to exist.
//! - [`Topology`] is what it describes: single hosts and links, and the way from one host to another.
//! - [`Plan::steps`] is what happens when, with repetitions and undoing written out.

mod check;
mod control;
mod expect;
mod fault;
mod host;
mod lookup;
mod name;
mod path;
mod read;
mod said;
mod shipped;
mod topology;
mod way;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

pub use control::{Control, Part};
pub use expect::{Expect, TunnelBounds};
pub use fault::{Action, Change, Fault, Step, UdpBecomes};
pub use host::{Host, Role, Transport};
pub use name::Name;
pub use path::Path;
pub use read::{PlanError, parse, read};
pub use said::Span;
pub use shipped::{SHIPPED, Shipped, shipped};
pub use topology::{Hop, HostId, LinkId, Topology};
pub use way::Way;
pub use work::{Direction, Kind, Work};

/// The whole file. Made by [`read`] and [`parse`], which check what the types cannot say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Plan {
    /// One line.
    pub title: String,
    #[serde(default)]
    pub about: String,
    /// How much time passes in the simulation.
    #[serde(with = "config::duration")]
    pub length: Duration,
    /// Of all randomness, when the command line names none.
    #[serde(default = "one")]
    pub seed: u64,
    #[serde(default)]
    pub path: BTreeMap<String, Path>,
    #[serde(rename = "host")]
    pub hosts: Vec<Host>,
    #[serde(default)]
    pub work: Vec<Work>,
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
    /// What must hold of the work.
    #[serde(default, rename = "expect")]
    pub expects: Vec<Expect>,
    /// What must hold of the nodes' tunnels.
    #[serde(default)]
    pub tunnels: TunnelBounds,
    /// Nodes are members of a cluster, too.
    #[serde(default)]
    pub control: Option<Control>,
}

fn one() -> u64 {
    1
}

impl Plan {
    /// How long from sample to sample, so that a plot has about 400 points: `length / 400`, 20 ms or more.
    pub fn sample_every(&self) -> Duration {
        (self.length / 400).max(Duration::from_millis(20))
    }

    /// What happens when, ascending; of equal times, in the order of the file.
    pub fn steps(&self) -> Vec<Step> {
        fault::steps(self)
    }

    /// When each fault is felt, for plots.
    pub fn spans(&self) -> Vec<Span> {
        said::spans(self)
    }

    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| *host.name == *name)
    }
}

#[cfg(test)]
mod tests;
