//! A node's host: the shipped node, with a service that does the plan's work.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use config::{Dirs, Secrecy};
use node::{Handler, Node, Options};
use serde_json::json;
use tunnel::shard::Shards;

use super::gateway::{PORT, SERVICE};
use super::identity;
use super::network::Seen;
use super::watch::Watch;
use super::work::Worker;
use crate::plan::Transport;

const STREAMS: usize = 65_536;

/// A gateway that a node dials: its address and its certificate, PEM.
pub(crate) type Known = (std::net::IpAddr, String);

/// Writes what makes the node itself, once.
pub(crate) fn prepare(
    folder: &Path,
    name: &str,
    gateways: &[Known],
    transport: Transport,
) -> anyhow::Result<()> {
    let dirs = dirs(folder);
    config::write_bytes(&dirs.local("server-id"), name.as_bytes(), Secrecy::Public)?;
    identity::write_key(&dirs.local("node.key"))?;
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
    let written = serde_json::to_vec(&entries)?;
    Ok(config::write_bytes(&dirs.config("gateway.json"), &written, Secrecy::OwnerOnly)?)
}

pub(crate) async fn start(seen: &Seen, folder: &Path, watch: &Arc<Watch>) -> anyhow::Result<Node> {
    let worker: Arc<dyn Handler> = Arc::new(Worker(watch.clone()));
    let options = Options {
        dirs: dirs(folder),
        handlers: BTreeMap::from([(SERVICE.to_owned(), worker)]),
        shards: Shards::here(Arc::new(seen.clone())),
        streams: STREAMS,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Node::start(options).await?)
}

fn dirs(folder: &Path) -> Dirs {
    Dirs { config_dir: folder.join("config"), local_dir: folder.join("local") }
}
