//! A router and the hosts around it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::gateway::Setup as GatewaySetup;
use crate::host::Host;
use crate::namespace::Namespace;
use crate::node::Setup as NodeSetup;
use crate::router::Router;
use crate::sweep::Folder;

/// Worlds that measure, or load the machine, have it to themselves.
static MACHINE: RwLock<()> = RwLock::new(());

/// A world's part of the machine, given back when dropped.
#[derive(Debug)]
struct Share {
    _some: Option<RwLockReadGuard<'static, ()>>,
    _all: Option<RwLockWriteGuard<'static, ()>>,
}

/// One network with everything in it. Make its hosts from it, and let them be dropped before it.
#[derive(Debug)]
pub struct World {
    router: Router,
    hosts: AtomicU8,
    folder: Folder,
    _share: Share,
}

impl World {
    pub fn new(name: &str) -> Self {
        let some = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        Self::make(name, Share { _some: Some(some), _all: None })
    }

    /// A world that no other runs beside.
    pub fn alone(name: &str) -> Self {
        let all = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        Self::make(name, Share { _some: None, _all: Some(all) })
    }

    fn make(name: &str, share: Share) -> Self {
        let folder = Folder::make(name);
        let router = Router::make(format!("{}-router", folder.name()));
        Self { router, hosts: AtomicU8::new(1), folder, _share: share }
    }

    pub fn router(&self) -> &Router {
        &self.router
    }

    pub fn host(&self, name: &str) -> Host {
        self.host_with_mtu(name, 1500)
    }

    pub fn host_with_mtu(&self, name: &str, mtu: u16) -> Host {
        let host = self.island(name);
        host.connect(&self.router, mtu);
        host
    }

    /// A host without a link; see [`Host::lan`].
    pub fn island(&self, name: &str) -> Host {
        let number = self.hosts.fetch_add(1, Ordering::Relaxed);
        let namespace = Namespace::make(format!("{}-{name}", self.folder.name()));
        Host::make(name, number, namespace, self.folder.path().join(name))
    }

    /// A gateway to be set up further and started.
    pub fn gateway(&self, name: &str) -> GatewaySetup {
        GatewaySetup::on(self.host(name))
    }

    /// A node to be set up further and started; its server id is `name`.
    pub fn node(&self, name: &str) -> NodeSetup {
        NodeSetup::on(self.host(name))
    }
}
