//! Hosts: gateways, nodes, relays, clients.

use std::time::Duration;

use serde::Deserialize;

use super::Name;

/// One host, or several alike: with `count = 3`, `name = "node"` stands for `node-1`, `node-2` and `node-3`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Host {
    pub name: Name,
    pub role: Role,
    #[serde(default = "one")]
    pub count: u32,
    /// The paths that it climbs to the Internet, from itself outwards; none: it is on the Internet itself.
    #[serde(default)]
    pub path: Vec<Name>,
    /// Of nodes and relays: as in gateway.json.
    #[serde(default)]
    pub transport: Transport,
    /// Of nodes and relays: the gateways that they dial; `None`: all. Of clients: where they come in.
    #[serde(default)]
    pub gateways: Option<Vec<Name>>,
    /// Of relays: the nodes that they reach on their LAN (lan.json).
    #[serde(default)]
    pub reaches: Vec<Name>,
    /// They start by chance within so long, not all at once.
    #[serde(default, with = "config::duration")]
    pub starts_over: Duration,
}

impl Host {
    /// The names of the single hosts.
    pub fn members(&self) -> impl Iterator<Item = String> + use<'_> {
        (1..=self.count)
            .map(|i| if self.count == 1 { self.name.to_string() } else { format!("{}-{i}", self.name) })
    }
}

/// What a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The shipped gateway.
    Gateway,
    /// The shipped node. It answers the plan's work.
    Node,
    /// A node that also hands streams on to the nodes in `reaches`.
    Relay,
    /// People, who come in through a gateway.
    Client,
}

impl Role {
    /// Whether it dials gateways.
    pub fn dials(self) -> bool {
        matches!(self, Self::Node | Self::Relay)
    }
}

/// Which carrier a node's tunnels use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// QUIC, and TLS where UDP does not come through.
    #[default]
    Auto,
    Quic,
    Tls,
}

fn one() -> u32 {
    1
}
