//! A node of the tunnel crate alone, without `fastx`: it does what a test says, right or wrong.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use tunnel::shard::Shards;
use tunnel::wire::control::{Hello, PROTOCOL};
use tunnel::{NodeKey, Secret, ServerId, Trust, Tunnel};

/// Who it says it is, and whom it dials.
#[derive(Debug)]
pub struct Bare {
    pub peer: SocketAddr,
    pub host: String,
    pub trust: Trust,
    pub key: NodeKey,
    pub hello: Hello,
    pub shards: Shards,
}

impl Bare {
    /// Reads a gateway.json; the key is a new one each time.
    pub fn from_file(path: &Path, id: &str, services: &[&str]) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let file: Value = serde_json::from_str(&text)?;
        let entry = if file.is_array() { &file[0] } else { &file };
        let word = |key: &str| entry[key].as_str().with_context(|| format!("no {key} in {}", path.display()));
        let port = entry["port"].as_u64().context("no port")?;
        let host = word("host")?.to_owned();
        Ok(Self {
            peer: SocketAddr::new(host.parse()?, u16::try_from(port)?),
            trust: Trust::Ca(word("ca")?.to_owned()),
            key: NodeKey::generate()?,
            hello: Hello {
                protocol: PROTOCOL,
                server_id: ServerId::new(id)?,
                token: Secret::new(word("token")?),
                namespace: entry["namespace"].as_str().unwrap_or_default().to_owned(),
                generation: 1,
                version: "test".into(),
                services: services.iter().map(|&name| name.to_owned()).collect(),
                reach: vec![],
            },
            shards: Shards::start("bare", 1)?,
            host,
        })
    }

    /// Dials over QUIC.
    pub async fn dial(&self) -> Result<Tunnel> {
        let home = self.shards.get(0);
        Ok(tunnel::quic::dial(self.peer, &self.host, &self.trust, &self.key, &self.hello, 0, home).await?)
    }
}
