//! Load for the memory of a gateway: many nodes in one process, each with its own key and one idle tunnel.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use serde::Deserialize;
use tokio::task::JoinSet;
use tunnel::shard::Shards;
use tunnel::wire::control::{Hello, PROTOCOL};
use tunnel::{NodeKey, Secret, ServerId, Trust, Tunnel};

/// Dialled at once; a gateway asks for proof of address from 64 half-open handshakes.
const AT_ONCE: usize = 32;

#[derive(Debug, Parser)]
#[command(about)]
struct Arguments {
    /// The gateway.json that the gateway's `init` wrote
    gateway: PathBuf,
    /// How many nodes
    count: usize,
    /// What carries the tunnels
    #[arg(value_enum)]
    carrier: Carrier,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Carrier {
    Quic,
    Tls,
}

/// What this program needs of gateway.json.
#[derive(Debug, Deserialize)]
struct Gateway {
    host: String,
    port: u16,
    ca: String,
    token: Secret,
    #[serde(default)]
    namespace: String,
}

/// Says `ready COUNT` when all tunnels are open, and holds them until it is killed or one of them closes.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments { gateway, count, carrier } = Arguments::parse();
    let text = fs::read_to_string(&gateway).with_context(|| format!("cannot read {}", gateway.display()))?;
    let gateway: Gateway = serde_json::from_str(&text).context("gateway.json is not one gateway")?;
    let peer = (gateway.host.as_str(), gateway.port).to_socket_addrs()?.next().context("no address")?;
    let (gateway, shards) = (Arc::new(gateway), Shards::start("idle", 2)?);
    let (mut dialling, mut open) = (JoinSet::new(), Vec::with_capacity(count));
    for number in 0..count {
        if dialling.len() == AT_ONCE {
            open.extend(next(&mut dialling).await?);
        }
        dialling.spawn(dial(Arc::clone(&gateway), peer, carrier, number, shards.clone()));
    }
    while let Some(tunnel) = next(&mut dialling).await? {
        open.push(tunnel);
    }
    println!("ready {}", open.len());
    let mut closing: JoinSet<_> =
        open.into_iter().map(|tunnel| async move { tunnel.closed().await }).collect();
    closing.join_next().await;
    anyhow::bail!("a tunnel closed")
}

async fn next(dialling: &mut JoinSet<Result<Tunnel>>) -> Result<Option<Tunnel>> {
    dialling.join_next().await.transpose()?.transpose()
}

async fn dial(
    gateway: Arc<Gateway>,
    peer: SocketAddr,
    carrier: Carrier,
    number: usize,
    shards: Shards,
) -> Result<Tunnel> {
    let hello = Hello {
        protocol: PROTOCOL,
        server_id: ServerId::new(&format!("idle-{number}"))?,
        token: gateway.token.clone(),
        namespace: gateway.namespace.clone(),
        generation: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        services: vec!["portal".to_owned()],
        reach: Vec::new(),
    };
    let (key, trust) = (NodeKey::generate()?, Trust::Ca(gateway.ca.clone()));
    let (name, home) = (&gateway.host, shards.next());
    let tunnel = match carrier {
        Carrier::Quic => tunnel::quic::dial(peer, name, &trust, &key, &hello, number, home).await,
        Carrier::Tls => tunnel::tls::dial(peer, name, &trust, &key, &hello, home).await,
    };
    tunnel.with_context(|| format!("node {number}"))
}
