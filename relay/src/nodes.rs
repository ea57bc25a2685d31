//! The registry as the running gateway uses it: changed under a short lock, read without one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::{ArcSwap, Guard};
use tunnel::wire::control::Control;
use tunnel::{CloseCode, Fingerprint, ServerId, Tunnel};

use crate::registry::{NotRegistered, Registration, Registry, Removed, Snapshot};

/// All nodes of this gateway.
#[derive(Debug, Default)]
pub struct Nodes {
    registry: Mutex<Registry<Tunnel>>,
    snapshot: ArcSwap<Snapshot<Tunnel>>,
}

impl Nodes {
    /// The latest view; lock-free.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot<Tunnel>>> {
        self.snapshot.load()
    }

    pub fn remember(&self, servers: impl Iterator<Item = (ServerId, Fingerprint, SystemTime)>) {
        self.change(|registry| {
            servers.for_each(|(id, key, since)| registry.remember(id, key, since));
        });
    }

    /// Whether a hello of this generation would be registered now.
    pub fn check(&self, id: &ServerId, generation: u64) -> Result<(), NotRegistered> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).check(id, generation)
    }

    /// Registers an admitted tunnel until the returned guard is dropped, and closes those that it displaces.
    pub fn register(
        self: &Arc<Self>,
        registration: Registration,
        tunnel: Tunnel,
    ) -> Result<Registered, NotRegistered> {
        let (id, generation) = (registration.id.clone(), registration.generation);
        let name = tunnel.id().to_owned();
        let displaced = self.change(|registry| registry.register(registration, tunnel, SystemTime::now()))?;
        let reason = format!("start {generation} of this server took over");
        displaced.iter().for_each(|old| old.close(CloseCode::Displaced, &reason));
        Ok(Registered { nodes: self.clone(), id, tunnel: name })
    }

    /// Closes the tunnels of a server that is revoked, and forgets it.
    pub fn revoke(&self, id: &ServerId) {
        let tunnels = self.change(|registry| registry.forget(id));
        for tunnel in tunnels {
            tunnel.close(CloseCode::Revoked, "revoked by the administrator of the gateway");
        }
    }

    /// Tells every node that this gateway goes away within `limit`.
    pub fn announce_drain(&self, limit: Duration, reason: &str) {
        let deadline_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        for tunnel in self.tunnels() {
            tunnel.send(Control::Drain { deadline_ms, reason: reason.to_owned() });
        }
    }

    /// Closes every tunnel: this gateway ends.
    pub fn close_all(&self, reason: &str) {
        self.tunnels().iter().for_each(|tunnel| tunnel.close(CloseCode::Shutdown, reason));
    }

    /// By their ids, so that a simulation tells one story.
    fn tunnels(&self) -> Vec<Tunnel> {
        let mut tunnels: Vec<_> = self.snapshot().links().cloned().collect();
        tunnels.sort_unstable_by(|a, b| a.id().cmp(b.id()));
        tunnels
    }

    fn change<T>(&self, change: impl FnOnce(&mut Registry<Tunnel>) -> T) -> T {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut registry);
        // Under the lock, so that an older view never follows a newer one.
        self.snapshot.store(Arc::new(registry.snapshot()));
        result
    }
}

/// The registration of one tunnel; dropping it removes that tunnel and no other.
#[derive(Debug)]
pub struct Registered {
    nodes: Arc<Nodes>,
    id: ServerId,
    tunnel: String,
}

impl Registered {
    pub fn id(&self) -> &ServerId {
        &self.id
    }

    /// The node goes away: nothing new goes to this tunnel.
    pub fn drain(&self) {
        self.nodes.change(|registry| registry.drain(&self.id, &self.tunnel));
    }

    pub fn update(&self, services: Vec<String>, reach: Vec<ServerId>, resting: bool) {
        self.nodes.change(|registry| registry.update(&self.id, &self.tunnel, services, reach, resting));
    }

    /// Ends the registration and says whether the server is unreachable now.
    pub fn end(&self) -> Removed {
        self.nodes.change(|registry| registry.remove(&self.id, &self.tunnel, SystemTime::now()))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // A second removal finds nothing.
        self.end();
    }
}
