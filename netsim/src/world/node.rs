//! A node's host: the shipped node, with a service that does the plan's work.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Dirs, Secrecy};
use node::{Handler, Node, Options};
use serde_json::json;
use tunnel::shard::Shards;
use tunnel::{Fingerprint, NodeKey, ServerId};

use super::door::SERVICE;
use super::error::RunError;
use super::gateway::PORT;
use super::identity;
use super::network::Seen;
use super::watch::Watch;
use super::work::Worker;
use crate::plan::Transport;

const STREAMS: usize = 65_536;
/// Where nodes of one LAN find each other.
const LAN: u16 = 3310;

/// A gateway that a node dials: its address and its certificate, PEM.
pub(crate) type Known = (IpAddr, String);

/// Writes what makes the node itself, once; tells its key.
pub(crate) fn prepare(
    folder: &Path,
    name: &str,
    gateways: &[Known],
    transport: Transport,
) -> Result<Fingerprint, RunError> {
    let dirs = dirs(folder);
    config::write_bytes(&dirs.local("server-id"), name.as_bytes(), Secrecy::OwnerOnly)?;
    let key = NodeKey::from_pem(&identity::write_key(&dirs.local("node.key"))?)?;
    let transport = match transport {
        Transport::Auto => "auto",
        Transport::Quic => "quic",
        Transport::Tls => "tls",
    };
    let entry = |(address, ca): &Known| {
        json!({
            "host": address.to_string(), "port": PORT, "ca": ca, "token": "simulated", "namespace": "",
            "transport": transport,
        })
    };
    let entries: Vec<_> = gateways.iter().map(entry).collect();
    if !entries.is_empty() {
        config::write_json(&dirs.config("gateway.json"), &entries, Secrecy::OwnerOnly)?;
    }
    Ok(key.fingerprint())
}

/// A node on the same LAN.
pub(crate) struct Neighbour {
    pub(crate) id: ServerId,
    pub(crate) key: Fingerprint,
    pub(crate) address: IpAddr,
}

/// Writes lan.json.
pub(crate) fn introduce(folder: &Path, own: IpAddr, neighbours: &[Neighbour]) -> Result<(), RunError> {
    let peer = |neighbour: &Neighbour| {
        let Neighbour { id, key, address } = neighbour;
        (id.to_string(), json!({ "connect": format!("{address}:{LAN}"), "key": key.to_string() }))
    };
    let peers: serde_json::Map<_, _> = neighbours.iter().map(peer).collect();
    let written = json!({ "listen": format!("{own}:{LAN}"), "peers": peers });
    Ok(config::write_json(&dirs(folder).config("lan.json"), &written, Secrecy::OwnerOnly)?)
}

/// Starts the node for the `start`th time. The process that ran before is gone, but some of its tasks may hold its lock
/// for a while, so each start has a copy of the folder.
pub(crate) async fn start(
    seen: Seen,
    folder: PathBuf,
    start: u64,
    watch: Arc<Watch>,
) -> Result<Node, RunError> {
    let (first, mut dirs) = (dirs(&folder), dirs(&folder));
    dirs.local_dir = folder.join(format!("start-{start}"));
    for file in ["server-id", "node.key"] {
        let content = config::read_bytes(&first.local(file), Secrecy::OwnerOnly)?;
        config::write_bytes(&dirs.local(file), &content, Secrecy::OwnerOnly)?;
    }
    config::write_bytes(&dirs.local("generation"), (start - 1).to_string().as_bytes(), Secrecy::OwnerOnly)?;
    let worker: Arc<dyn Handler> = Arc::new(Worker(watch));
    let options = Options {
        dirs,
        handlers: BTreeMap::from([(SERVICE.to_owned(), worker)]),
        shards: Shards::here(Arc::new(seen)),
        streams: STREAMS,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        socket: false,
    };
    Ok(Node::start(options).await?)
}

fn dirs(folder: &Path) -> Dirs {
    Dirs { config_dir: folder.join("config"), local_dir: folder.join("local") }
}
