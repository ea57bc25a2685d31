//! Ours: the tunnel over QUIC or TLS (gateway and node), and the gateway alone as a plaintext relay.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Bench, Kind, System};
use crate::child::{Guarded, run};
use crate::programs::Programs;

/// Gateway and node with the carrier forced by `transport` in gateway.json.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tunnel {
    Quic,
    Tls,
}

impl System for Tunnel {
    fn name(&self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tls => "tls",
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Quic => "ours, QUIC",
            Self::Tls => "ours, TLS",
        }
    }

    fn kind(&self) -> Kind {
        Kind::OurTunnel
    }

    fn on_veth(&self) -> bool {
        true
    }

    fn version(&self, programs: &Programs) -> Result<String> {
        programs.find("fastx")?;
        programs.version("fastx-gateway", &["--version"])
    }

    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        let service = json!({ "listen": bench.entry, "service": "bench", "server": "any" });
        let gateway = Gateway::init(bench, &json!([service]))?;
        let (config, local) = (bench.dir.join("node"), bench.dir.join("node-local"));
        fs::create_dir_all(&config)?;
        fs::create_dir_all(&local)?;
        fs::copy(gateway.config.join("gateway.json"), config.join("gateway.json"))?;
        edit(&config.join("gateway.json"), |document| {
            // One object, or a list with one.
            let entry = if document.is_array() { &mut document[0] } else { document };
            entry["transport"] = json!(self.name());
        })?;
        let services = json!({ "bench": { "connect": bench.service } });
        fs::write(config.join("services.json"), services.to_string())?;
        let mut node = bench.place.inside.command(bench.programs.find("fastx")?);
        node.args(["node", "run", "--config-dir"]).arg(&config).arg("--local-dir").arg(&local);
        Ok(vec![gateway.run(bench)?, Guarded::spawn(&mut node, "fastx-node", bench.dir)?])
    }
}

/// The gateway alone: a service with `connect` is forwarded from TCP to TCP, no tunnel between.
#[derive(Debug)]
pub(super) struct Relay;

impl System for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    fn label(&self) -> &'static str {
        "ours, plaintext relay"
    }

    fn kind(&self) -> Kind {
        Kind::OurRelay
    }

    fn version(&self, programs: &Programs) -> Result<String> {
        programs.version("fastx-gateway", &["--version"])
    }

    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        let gateway = Gateway::init(bench, &json!([{ "listen": bench.entry, "connect": bench.service }]))?;
        Ok(vec![gateway.run(bench)?])
    }
}

/// New connections a second from one address: more than any client here makes.
const UNLIMITED: u32 = 1_000_000;

/// A gateway's two folders.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) config: PathBuf,
    local: PathBuf,
}

impl Gateway {
    /// `fastx-gateway init` as an administrator would, then its services and limits set.
    pub(crate) fn init(bench: &Bench<'_>, services: &Value) -> Result<Self> {
        let gateway = Self { config: bench.dir.join("gateway"), local: bench.dir.join("gateway-local") };
        let address = bench.rendezvous()?;
        let mut init = bench.place.outside.command(bench.programs.find("fastx-gateway")?);
        init.args(["init", "--host", &address.ip().to_string(), "--port", &address.port().to_string()]);
        init.arg("--config-dir").arg(&gateway.config).arg("--local-dir").arg(&gateway.local);
        run(&mut init, "fastx-gateway-init", bench.dir, bench.patience())?;
        edit(&gateway.config.join("gateway-server.json"), |document| {
            document["services"] = services.clone();
            // All load comes from one address; the default of 20,000 connections a second would cap it.
            document["limits"]["newPerSecond"] = json!(UNLIMITED);
            document["limits"]["newBurst"] = json!(UNLIMITED);
        })?;
        Ok(gateway)
    }

    pub(crate) fn run(&self, bench: &Bench<'_>) -> Result<Guarded> {
        let mut command = bench.place.outside.command(bench.programs.find("fastx-gateway")?);
        command.args(["run", "--config-dir"]).arg(&self.config).arg("--local-dir").arg(&self.local);
        Guarded::spawn(&mut command, "fastx-gateway", bench.dir)
    }
}

/// Rewrites a JSON file in place, its mode kept.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut document: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    change(&mut document);
    Ok(fs::write(path, serde_json::to_string_pretty(&document)?)?)
}
