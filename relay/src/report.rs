//! What the gateway says about itself to administrators, as JSON.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tunnel::{Fingerprint, ServerId, Stats, Transport};

use crate::admission::{Binding, Book, Conflict};
use crate::registry::{Entry, Server, Snapshot};
use crate::web::certificates::Failure;

/// `GET /nodes`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodesReport {
    /// By server id.
    pub nodes: Vec<NodeReport>,
}

/// How a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Connected,
    /// Connected, but nothing was heard for seconds.
    Doubtful,
    Draining,
    Unreachable,
    Revoked,
}

/// One server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    pub server: ServerId,
    pub state: State,
    /// Of the tunnel that new streams take.
    pub transport: Option<Transport>,
    pub rtt_ms: Option<f64>,
    pub address: Option<String>,
    /// Since when it is connected, or not.
    pub since: Timestamp,
    pub first_seen: Option<Timestamp>,
    pub services: Vec<String>,
    pub reach: Vec<ServerId>,
    pub key: Fingerprint,
    pub version: String,
    pub generation: u64,
    pub open_streams: usize,
    pub tunnels: Vec<TunnelReport>,
    /// Hellos for this id with other keys.
    pub conflicts: Vec<Conflict>,
}

/// One tunnel of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TunnelReport {
    pub id: String,
    pub transport: Transport,
    pub address: String,
    pub rtt_ms: Option<f64>,
    pub mtu: Option<u16>,
    pub lost_packets: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    pub open_streams: usize,
    pub since: Timestamp,
    pub shard: usize,
    pub draining: bool,
    pub doubtful: bool,
}

/// `GET /status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    pub version: String,
    pub host: String,
    pub since: Timestamp,
    pub draining: bool,
    /// Where clients and nodes come in.
    pub listen: Vec<String>,
    pub services: Vec<PortReport>,
    pub nodes_connected: usize,
    pub nodes_known: usize,
    pub tunnels: usize,
    pub open_streams: usize,
    pub connections: u32,
    pub conflicts: usize,
    pub certificate_expires: Option<Timestamp>,
    /// Why clients are not shown a newer certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_problem: Option<Failure>,
    /// What to mend on this machine.
    pub advice: Vec<String>,
}

/// A named TCP port.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortReport {
    pub listen: String,
    /// A service and a server, or an address.
    pub to: String,
}

/// All nodes: those on record, and those that are only connected.
pub(crate) fn nodes(snapshot: &Snapshot<tunnel::Tunnel>, book: &Book) -> NodesReport {
    let mut nodes: Vec<_> = book
        .servers
        .iter()
        .map(|(id, binding)| match snapshot.server(id) {
            Some(server) => node(server, binding, book),
            None => absent(id, binding, book),
        })
        .collect();
    nodes.sort_by(|a, b| a.server.cmp(&b.server));
    NodesReport { nodes }
}

fn conflicts(book: &Book, id: &ServerId) -> Vec<Conflict> {
    book.conflicts.iter().filter(|conflict| conflict.server == *id).cloned().collect()
}

fn absent(id: &ServerId, binding: &Binding, book: &Book) -> NodeReport {
    NodeReport {
        server: id.clone(),
        state: if binding.revoked.is_some() { State::Revoked } else { State::Unreachable },
        transport: None,
        rtt_ms: None,
        address: None,
        since: binding.revoked.unwrap_or(binding.last_seen),
        first_seen: Some(binding.first_seen),
        services: Vec::new(),
        reach: Vec::new(),
        key: binding.key.clone(),
        version: String::new(),
        generation: 0,
        open_streams: 0,
        tunnels: Vec::new(),
        conflicts: conflicts(book, id),
    }
}

fn node(server: &Server<tunnel::Tunnel>, binding: &Binding, book: &Book) -> NodeReport {
    let tunnels: Vec<_> = server.tunnels.iter().map(tunnel).collect();
    let best =
        tunnels.iter().min_by_key(|one| (one.draining, one.doubtful, one.transport != Transport::Quic));
    NodeReport {
        state: state(server),
        transport: best.map(|best| best.transport),
        rtt_ms: best.and_then(|best| best.rtt_ms),
        address: best.map(|best| best.address.clone()),
        since: server.since.try_into().unwrap_or(Timestamp::UNIX_EPOCH),
        services: server.services.clone(),
        reach: server.reach.clone(),
        version: server.version.clone(),
        generation: server.generation,
        open_streams: server.open_streams(),
        tunnels,
        ..absent(&server.id, binding, book)
    }
}

fn state(server: &Server<tunnel::Tunnel>) -> State {
    let is_heard = |entry: &Entry<tunnel::Tunnel>| entry.is_usable() && !entry.link.is_doubtful();
    if server.tunnels.iter().any(is_heard) {
        if server.resting { State::Draining } else { State::Connected }
    } else if server.is_healthy() {
        State::Doubtful
    } else if server.tunnels.iter().any(|entry| entry.draining) {
        State::Draining
    } else {
        State::Unreachable
    }
}

fn tunnel(entry: &Entry<tunnel::Tunnel>) -> TunnelReport {
    let link = &entry.link;
    let Stats { transport, rtt, mtu, lost_packets, sent_bytes, received_bytes, open_streams, since, .. } =
        link.stats();
    let since = SystemTime::now() - since;
    TunnelReport {
        id: link.id().to_owned(),
        transport,
        address: link.remote().to_string(),
        rtt_ms: rtt.map(millis),
        mtu,
        lost_packets,
        sent_bytes,
        received_bytes,
        open_streams,
        since: since.try_into().unwrap_or(Timestamp::UNIX_EPOCH),
        shard: link.home().index(),
        draining: entry.draining,
        doubtful: link.is_doubtful(),
    }
}

/// To the microsecond.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
