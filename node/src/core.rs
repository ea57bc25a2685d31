//! What runs in a node: its links, its LAN listener, its table; and how a reload changes them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::Dirs;
use jiff::Timestamp;
use tokio_util::task::TaskTracker;
use tunnel::ServerId;
use tunnel::tls::lan::LanError;

use crate::lan::Listening;
use crate::lan::file::Peer;
use crate::link::Link;
use crate::me::Me;
use crate::serve::Desk;
use crate::settings::Settings;
use crate::status::{LanStatus, PeerStatus, ServiceStatus, Status};
use crate::table::{Entry, Handlers, Table};

/// The streams of a gateway that gateway.json does not name any more may go on for this long.
const REMOVED_GATEWAY: Duration = Duration::from_secs(3600);

/// Shared by the node's handle and its admin socket.
pub(crate) struct Core {
    pub(crate) dirs: Dirs,
    pub(crate) me: Arc<Me>,
    pub(crate) desk: Arc<Desk>,
    handlers: Handlers,
    running: Mutex<Running>,
    /// Links that gateway.json does not name any more.
    retiring: TaskTracker,
}

/// What a reload changes.
#[derive(Debug, Default)]
pub(crate) struct Running {
    settings: Settings,
    pub(crate) links: Vec<Link>,
    lan: Option<Listening>,
    pub(crate) reload_error: Option<String>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Core({})", self.me.start.identity.server_id)
    }
}

impl Core {
    pub(crate) fn new(dirs: Dirs, me: Arc<Me>, desk: Arc<Desk>, handlers: Handlers) -> Self {
        Self { dirs, me, desk, handlers, running: Mutex::default(), retiring: TaskTracker::new() }
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        // Each change is whole before the next one that could panic.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn apply(&self, settings: Settings) -> Result<(), LanError> {
        let wanted = settings.lan.listen.map(|listen| listen.0);
        let kept =
            wanted.is_some_and(|address| self.running().lan.as_ref().is_some_and(|lan| lan.is_at(address)));
        // The only step that can fail comes first.
        let fresh = match wanted.filter(|_| !kept) {
            Some(address) => Some(Listening::start(address, &self.me, &self.desk).await?),
            None => None,
        };
        let me = self.me.start.identity.server_id.clone();
        self.desk.set_table(Table::new(me, &settings.services, &self.handlers, &settings.lan));
        let mut running = self.running();
        if !kept {
            running.lan = fresh;
        }
        running.lan.iter().for_each(Listening::recheck);
        self.relink(&mut running, &settings);
        running.settings = settings;
        Ok(())
    }

    /// Keeps the links that are still wanted, retires the others, starts what is missing.
    fn relink(&self, running: &mut Running, settings: &Settings) {
        let changed =
            (&running.settings.services, &running.settings.lan) != (&settings.services, &settings.lan);
        let mut old = std::mem::take(&mut running.links);
        for gateway in &settings.gateways {
            let link = match old.iter().position(|link| link.gateway() == gateway) {
                Some(index) => old.swap_remove(index),
                None => Link::start(gateway.clone(), self.me.clone(), self.desk.clone()),
            };
            if changed {
                link.announce();
            }
            running.links.push(link);
        }
        for link in old {
            let gateway = link.gateway().address();
            tracing::info!(%gateway, "left; its open streams may end, and new ones are not taken");
            self.retiring
                .spawn(async move { link.retire(REMOVED_GATEWAY, "this node left the gateway").await });
        }
    }

    /// Tells all gateways whether new streams are to go elsewhere.
    pub(crate) fn rest(&self, resting: bool) {
        if self.desk.set_resting(resting) != resting {
            self.running().links.iter().for_each(Link::announce);
        }
    }

    pub(crate) fn status(&self) -> Status {
        let running = self.running();
        let Me { start, started, version, .. } = &*self.me;
        let uptime = Timestamp::now().duration_since(*started).as_secs();
        Status {
            server_id: start.identity.server_id.clone(),
            fingerprint: start.identity.key.fingerprint(),
            version: version.clone(),
            pid: std::process::id(),
            generation: start.generation,
            started: *started,
            uptime_seconds: u64::try_from(uptime).unwrap_or_default(),
            draining: self.desk.is_draining(),
            streams: self.desk.open_streams(),
            gateways: running.links.iter().map(Link::status).collect(),
            services: self.desk.table().entries().map(service_status).collect(),
            lan: self.lan_status(&running),
            reload_error: running.reload_error.clone(),
        }
    }

    fn lan_status(&self, running: &Running) -> LanStatus {
        let peer = |(id, peer): (&ServerId, &Peer)| PeerStatus {
            server_id: id.clone(),
            connect: peer.connect.as_ref().map(ToString::to_string),
            last_error: self.desk.ways().trouble(id),
        };
        LanStatus {
            listen: running.lan.as_ref().map(|lan| lan.address().to_string()),
            peers: running.settings.lan.peers.iter().map(peer).collect(),
        }
    }
}

fn service_status((name, entry): (&String, &Entry)) -> ServiceStatus {
    let connect = match entry {
        Entry::BuiltIn(_) => "built in".to_owned(),
        Entry::Local(service) => service.connect.to_string(),
    };
    ServiceStatus { name: name.clone(), connect }
}
