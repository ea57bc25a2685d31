//! What this node says when it introduces itself.

use jiff::Timestamp;
use tunnel::shard::Shards;
use tunnel::wire::control::{Hello, PROTOCOL};

use crate::gateways::Gateway;
use crate::local::Start;
use crate::table::Table;

/// This start of this node.
#[derive(Debug)]
pub(crate) struct Me {
    pub(crate) start: Start,
    pub(crate) started: Timestamp,
    pub(crate) version: String,
    pub(crate) shards: Shards,
}

impl Me {
    pub(crate) fn hello(&self, gateway: &Gateway, table: &Table) -> Hello {
        Hello {
            protocol: PROTOCOL,
            server_id: self.start.identity.server_id.clone(),
            token: gateway.token.clone(),
            namespace: gateway.namespace.clone(),
            generation: self.start.generation,
            version: self.version.clone(),
            services: table.service_names(),
            reach: table.reach(),
        }
    }
}
