//! Which servers are connected, by which tunnels, and who can reach whom. Pure: it takes `now`, and holds anything that
//! is a [`Link`].

mod snapshot;
mod table;

use std::time::SystemTime;

use tunnel::{Fingerprint, ServerId, Transport, Tunnel};

pub use snapshot::Snapshot;
use table::Table;

/// What the registry and the choice of a way need to know of a tunnel.
pub trait Link: Clone {
    fn id(&self) -> &str;
    fn transport(&self) -> Transport;
    /// Index of the shard that the tunnel lives on.
    fn shard(&self) -> usize;
    fn open_streams(&self) -> usize;
    fn is_closed(&self) -> bool;
    /// Nothing was heard for seconds: better than nothing, and worse than any other.
    fn is_doubtful(&self) -> bool;
}

impl Link for Tunnel {
    fn id(&self) -> &str {
        self.id()
    }
    fn transport(&self) -> Transport {
        self.transport()
    }
    fn shard(&self) -> usize {
        self.home().index()
    }
    fn open_streams(&self) -> usize {
        self.open_streams()
    }
    fn is_closed(&self) -> bool {
        self.is_closed()
    }
    fn is_doubtful(&self) -> bool {
        self.is_doubtful()
    }
}

/// Tunnels of one server at once. A node keeps one for each of the gateway's shards, at most 8, and twice that while
/// it moves from one carrier to the other.
pub const STRIPES: usize = 16;

/// One server, connected or remembered.
#[derive(Clone, Debug)]
pub struct Server<L> {
    pub id: ServerId,
    pub key: Fingerprint,
    /// Of the node's software.
    pub version: String,
    pub generation: u64,
    /// Empty: unreachable.
    pub tunnels: Vec<Entry<L>>,
    /// Sorted.
    pub services: Vec<String>,
    /// Servers that it can hand streams on to.
    pub reach: Vec<ServerId>,
    /// It is taken out of service: what may go to any server goes to another one.
    pub resting: bool,
    /// Since when it is connected, or unreachable.
    pub since: SystemTime,
}

/// One tunnel of a server.
#[derive(Clone, Debug)]
pub struct Entry<L> {
    pub link: L,
    /// The node goes away: nothing new goes here.
    pub draining: bool,
}

/// What a node says in its hello, once it is believed.
#[derive(Clone, Debug)]
pub struct Registration {
    pub id: ServerId,
    pub key: Fingerprint,
    pub version: String,
    pub generation: u64,
    pub services: Vec<String>,
    pub reach: Vec<ServerId>,
}

/// Why a tunnel is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    #[error("start {newest} of this server is connected, this is start {ours}; is the node running twice?")]
    Stale { newest: u64, ours: u64 },
    #[error("this server has {STRIPES} tunnels already")]
    TooMany,
}

impl<L: Link> Server<L> {
    /// Whether new streams can go to it directly.
    pub fn is_healthy(&self) -> bool {
        self.tunnels.iter().any(Entry::is_usable)
    }

    pub fn offers(&self, service: &str) -> bool {
        self.services.binary_search_by(|offered| offered.as_str().cmp(service)).is_ok()
    }

    /// While it is connected, a new tunnel must be of this start or of a newer one. What counts is who is connected: a
    /// node whose state came from a backup may count from lower again.
    fn check(&self, ours: u64) -> Result<(), NotRegistered> {
        let newest = self.generation;
        if ours < newest {
            return Err(NotRegistered::Stale { newest, ours });
        }
        if ours == newest && self.tunnels.len() >= STRIPES {
            return Err(NotRegistered::TooMany);
        }
        Ok(())
    }

    pub fn open_streams(&self) -> usize {
        self.tunnels.iter().map(|entry| entry.link.open_streams()).sum()
    }
}

impl<L: Link> Entry<L> {
    pub fn is_usable(&self) -> bool {
        !self.draining && !self.link.is_closed()
    }
}

/// All servers that this gateway knows.
#[derive(Clone, Debug)]
pub struct Registry<L> {
    servers: Table<L>,
}

impl<L: Link> Default for Registry<L> {
    fn default() -> Self {
        Self { servers: Table::default() }
    }
}

impl<L: Link> Registry<L> {
    /// A server that was bound to its key before this start and is not connected yet.
    pub fn remember(&mut self, id: ServerId, key: Fingerprint, since: SystemTime) {
        if self.servers.get(&id).is_some() {
            return;
        }
        self.servers.insert(Server {
            id,
            key,
            version: String::new(),
            generation: 0,
            tunnels: Vec::new(),
            services: Vec::new(),
            reach: Vec::new(),
            resting: false,
            since,
        });
    }

    /// Adds a tunnel. A newer generation wins at once: the tunnels it displaces are returned, to be closed.
    pub fn register(
        &mut self,
        registration: Registration,
        link: L,
        now: SystemTime,
    ) -> Result<Vec<L>, NotRegistered> {
        self.check(&registration.id, registration.generation)?;
        let known = self.servers.get(&registration.id);
        let (displaced, since, mut tunnels) = match known {
            Some(known) if known.tunnels.is_empty() => (Vec::new(), now, Vec::new()),
            Some(known) if known.generation == registration.generation => {
                (Vec::new(), known.since, known.tunnels.clone())
            }
            Some(known) => (known.tunnels.clone(), now, Vec::new()),
            None => (Vec::new(), now, Vec::new()),
        };
        tunnels.push(Entry { link, draining: false });
        let Registration { id, key, version, generation, mut services, reach } = registration;
        services.sort_unstable();
        // A node that rests says so on each tunnel, after its hello.
        let resting = false;
        self.servers.insert(Server {
            id,
            key,
            version,
            generation,
            tunnels,
            services,
            reach,
            resting,
            since,
        });
        Ok(displaced.into_iter().map(|entry| entry.link).collect())
    }

    /// Whether [`Self::register`] would take it now.
    pub fn check(&self, id: &ServerId, generation: u64) -> Result<(), NotRegistered> {
        match self.servers.get(id) {
            Some(known) if !known.tunnels.is_empty() => known.check(generation),
            _ => Ok(()),
        }
    }

    /// Takes away one tunnel, and only that: a newer registration of the same server stays.
    pub fn remove(&mut self, id: &ServerId, link: &str, now: SystemTime) -> Removed {
        let Some(server) = self.servers.get_mut(id) else { return Removed::Nothing };
        let before = server.tunnels.len();
        server.tunnels.retain(|entry| entry.link.id() != link);
        if server.tunnels.len() == before {
            return Removed::Nothing;
        }
        if !server.tunnels.is_empty() {
            return Removed::OneOfSeveral;
        }
        server.since = now;
        server.reach.clear();
        Removed::Last
    }

    /// The node goes away: its tunnel gets no new streams.
    pub fn drain(&mut self, id: &ServerId, link: &str) {
        let Some(server) = self.servers.get_mut(id) else { return };
        for entry in server.tunnels.iter_mut().filter(|entry| entry.link.id() == link) {
            entry.draining = true;
        }
    }

    /// What the server offers, or can reach, changed; only a tunnel that is registered may say so.
    pub fn update(
        &mut self,
        id: &ServerId,
        link: &str,
        mut services: Vec<String>,
        reach: Vec<ServerId>,
        resting: bool,
    ) {
        let Some(server) = self.servers.get_mut(id) else { return };
        if server.tunnels.iter().any(|entry| entry.link.id() == link) {
            services.sort_unstable();
            (server.services, server.reach, server.resting) = (services, reach, resting);
        }
    }

    /// Forgets a server; its tunnels are returned, to be closed.
    pub fn forget(&mut self, id: &ServerId) -> Vec<L> {
        let server = self.servers.remove(id);
        server.map_or_else(Vec::new, |server| server.tunnels.iter().map(|entry| entry.link.clone()).collect())
    }

    /// An immutable view for the data path.
    pub fn snapshot(&self) -> Snapshot<L> {
        Snapshot::of(self.servers.clone())
    }
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// The tunnel was displaced or forgotten before.
    Nothing,
    OneOfSeveral,
    /// The server is unreachable now.
    Last,
}

#[cfg(test)]
pub(crate) mod tests;
