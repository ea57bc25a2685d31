//! One immutable view of the registry, indexed for the questions that the data path asks.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tunnel::ServerId;

use super::table::Table;
use super::{Link, Server};

/// All servers at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot<L> {
    servers: Table<L>,
    /// Made for the first question that needs it: who asks for one server by name never does.
    index: OnceLock<Index<L>>,
}

#[derive(Clone, Debug)]
struct Index<L> {
    /// Service -> connected servers that offer it.
    offering: HashMap<String, Vec<Arc<Server<L>>>>,
    /// Server -> connected servers that say they can reach it.
    relays: HashMap<ServerId, Vec<Arc<Server<L>>>>,
}

impl<L> Default for Snapshot<L> {
    fn default() -> Self {
        Self { servers: Table::default(), index: OnceLock::new() }
    }
}

impl<L: Link> Index<L> {
    fn of(servers: &Table<L>) -> Self {
        let mut offering: HashMap<String, Vec<_>> = HashMap::new();
        let mut relays: HashMap<ServerId, Vec<_>> = HashMap::new();
        let mut connected: Vec<_> = servers.values().filter(|server| !server.tunnels.is_empty()).collect();
        connected.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        for server in connected {
            for service in &server.services {
                offering.entry(service.clone()).or_default().push(server.clone());
            }
            for reached in &server.reach {
                relays.entry(reached.clone()).or_default().push(server.clone());
            }
        }
        Self { offering, relays }
    }
}

impl<L: Link> Snapshot<L> {
    pub(super) fn of(servers: Table<L>) -> Self {
        Self { servers, index: OnceLock::new() }
    }

    fn index(&self) -> &Index<L> {
        self.index.get_or_init(|| Index::of(&self.servers))
    }

    pub fn server(&self, id: &ServerId) -> Option<&Arc<Server<L>>> {
        self.servers.get(id)
    }

    /// Connected servers that offer `service`, by id.
    pub fn offering(&self, service: &str) -> &[Arc<Server<L>>] {
        self.index().offering.get(service).map_or(&[], Vec::as_slice)
    }

    /// Connected servers that say they can reach `id`.
    pub fn relays(&self, id: &ServerId) -> &[Arc<Server<L>>] {
        self.index().relays.get(id).map_or(&[], Vec::as_slice)
    }

    /// All servers, in no order.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<Server<L>>> {
        self.servers.values()
    }

    /// All tunnels, in no order.
    pub fn links(&self) -> impl Iterator<Item = &L> {
        self.servers().flat_map(|server| server.tunnels.iter().map(|entry| &entry.link))
    }
}
