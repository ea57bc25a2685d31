//! What a node's administrator writes before it is started.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{CHECKED, Node, Prepared};
use crate::gateway::Gateway;
use crate::host::Host;

/// A node on its way to be started.
#[derive(Debug)]
pub struct Setup {
    host: Host,
    id: String,
    gateways: Vec<Value>,
    services: Map<String, Value>,
    lan: Option<Value>,
}

impl Setup {
    /// A node on a host of the caller's making; its server id is the host's name.
    pub fn on(host: Host) -> Self {
        let mut services = Map::new();
        services.insert("checked".into(), json!({ "connect": CHECKED }));
        let id = host.name().to_owned();
        Self { host, id, gateways: Vec::new(), services, lan: None }
    }

    /// Another server id than the host's name.
    pub fn called(mut self, id: &str) -> Self {
        self.id = id.to_owned();
        self
    }

    /// Nothing comes in that this host did not begin.
    pub fn behind_firewall(self) -> Self {
        self.host.firewall();
        self
    }

    pub fn dials(self, gateway: &Gateway) -> Self {
        self.dials_over(gateway, "auto")
    }

    /// `transport`: auto, quic or tls.
    pub fn dials_over(mut self, gateway: &Gateway, transport: &str) -> Self {
        let entries = match gateway.invitation() {
            Value::Array(entries) => entries,
            entry => vec![entry],
        };
        for mut entry in entries {
            entry["transport"] = json!(transport);
            self.gateways.push(entry);
        }
        self
    }

    /// One more entry of services.json.
    pub fn offers(mut self, service: &str, entry: Value) -> Self {
        self.services.insert(service.to_owned(), entry);
        self
    }

    pub fn lan(mut self, file: Value) -> Self {
        self.lan = Some(file);
        self
    }

    /// Writes the files, but starts nothing.
    pub fn prepared(self) -> Prepared {
        let prepared = Prepared { host: self.host };
        for folder in ["config", "local"] {
            std::fs::create_dir_all(prepared.host.path(folder)).expect("our own folder");
        }
        std::fs::write(prepared.host.path("local/server-id"), format!("{}\n", self.id))
            .expect("our own folder");
        if !self.gateways.is_empty() {
            prepared.write("gateway.json", &Value::Array(self.gateways));
        }
        prepared.write("services.json", &Value::Object(self.services));
        if let Some(lan) = self.lan {
            prepared.write("lan.json", &lan);
        }
        prepared
    }

    /// Starts it without waiting for a tunnel.
    pub fn start(self) -> Node {
        self.prepared().started()
    }

    /// Starts it and waits until it is connected to every gateway it dials.
    pub fn connected(self) -> Node {
        let node = self.start();
        node.is_connected(Duration::from_secs(60));
        node
    }
}
