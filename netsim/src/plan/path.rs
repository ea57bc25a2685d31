//! A path: a piece of the way between a host and the Internet, with what stands at its outer end.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::boxes::{FirewallModel, NatModel};
use crate::link::Model;

/// A piece of the way between hosts and the Internet.
///
/// ```toml
/// [path.home]
/// up = { delay = "10ms", rate = "20Mbit/s" }     # from the host towards the Internet
/// down = { delay = "10ms", rate = "100Mbit/s" }  # or `both = {…}` when they are the same
/// shared = false                                 # true: all hosts on it share one link, as a site's uplink
/// nat = { idle = "30s" }                         # at its outer end; `{}`: a usual one; none: no NAT
/// firewall = { udp = "blocked" }                 # at its outer end; none: everything passes
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub up: Model,
    pub down: Model,
    /// One link for all hosts behind it; else each host has its own.
    pub shared: bool,
    pub nat: Option<NatModel>,
    pub firewall: Option<FirewallModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    both: Option<Model>,
    up: Option<Model>,
    down: Option<Model>,
    #[serde(default)]
    shared: bool,
    nat: Option<NatModel>,
    firewall: Option<FirewallModel>,
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { both, up, down, shared, nat, firewall } = Written::deserialize(deserializer)?;
        let (up, down) = directions(both, up, down).map_err(Error::custom)?;
        Ok(Self { up, down, shared, nat, firewall })
    }
}

/// `both`, or `up` and `down`.
pub(super) fn directions(
    both: Option<Model>,
    up: Option<Model>,
    down: Option<Model>,
) -> Result<(Model, Model), &'static str> {
    match (both, up, down) {
        (Some(both), None, None) => Ok((both.clone(), both)),
        (None, Some(up), Some(down)) => Ok((up, down)),
        _ => Err("say how the path is: either `both`, or `up` and `down`"),
    }
}
