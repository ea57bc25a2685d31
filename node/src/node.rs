//! The node itself: starts, takes new settings while it runs, tells how it is, drains.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::{ConfigError, Dirs};
use jiff::Timestamp;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tunnel::ServerId;
use tunnel::shard::Shards;
use tunnel::tls::lan::LanError;

use crate::admin::AdminSocket;
use crate::lan::file::Peer;
use crate::lan::{Listening, Ways};
use crate::link::Link;
use crate::local::{LocalError, Start};
use crate::me::Me;
use crate::serve::Desk;
use crate::settings::Settings;
use crate::status::{LanStatus, PeerStatus, ServiceStatus, Status};
use crate::table::{Entry, Handler, Handlers, Table};

/// The streams of a gateway that gateway.json does not name any more may go on for this long.
const REMOVED_GATEWAY: Duration = Duration::from_secs(3600);

/// How to start a node.
pub struct Options {
    pub dirs: Dirs,
    /// Services inside this process, by name.
    pub handlers: BTreeMap<String, Arc<dyn Handler>>,
    /// Threads that carry streams.
    pub shards: usize,
    /// Streams at a time; one with a socket behind it takes one file descriptor.
    pub streams: usize,
    /// Of the program, for the gateways' and the administrator's eyes.
    pub version: String,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Options({:?}, handlers {:?})", self.dirs, self.handlers.keys())
    }
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("cannot start threads: {0}")]
    Shards(#[source] std::io::Error),
    #[error(transparent)]
    Lan(#[from] LanError),
    #[error("cannot make the admin socket {}: {source}", path.display())]
    AdminSocket { path: PathBuf, source: std::io::Error },
}

/// Why new settings are not taken; what ran before runs on.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Lan(#[from] LanError),
}

/// A running node; dropping it stops it at once.
#[derive(Debug)]
pub struct Node {
    core: Arc<Core>,
    _admin: AbortOnDropHandle<()>,
}

/// What the admin socket sees of the node.
struct Core {
    dirs: Dirs,
    me: Arc<Me>,
    desk: Arc<Desk>,
    handlers: Handlers,
    running: Mutex<Running>,
    /// Links that gateway.json does not name any more.
    retiring: TaskTracker,
}

/// What a reload changes.
#[derive(Debug, Default)]
struct Running {
    settings: Settings,
    links: Vec<Link>,
    lan: Option<Listening>,
    reload_error: Option<String>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Core({})", self.me.start.identity.server_id)
    }
}

impl Node {
    /// Reads the configuration, opens the admin socket and begins to dial. Does not wait for any gateway.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options { dirs, handlers, shards, streams, version } = options;
        let start = Start::begin(&dirs)?;
        let settings = Settings::load(&dirs, &start.identity)?;
        let shards = Shards::start("node", shards).map_err(StartError::Shards)?;
        let table =
            Table::new(start.identity.server_id.clone(), &settings.services, &handlers, &settings.lan);
        let me = Arc::new(Me { start, started: Timestamp::now(), version, shards });
        let desk = Arc::new(Desk::new(table, streams, Ways::new(me.clone())));
        let core = Core { me, desk, handlers, running: Mutex::default(), retiring: TaskTracker::new(), dirs };
        let core = Arc::new(core);
        let path = core.dirs.local("node.sock");
        let admin = AdminSocket::bind(&path).map_err(|source| StartError::AdminSocket { path, source })?;
        let shown = core.clone();
        let admin = AbortOnDropHandle::new(tokio::spawn(admin.serve(Arc::new(move || shown.status()))));
        core.apply(settings).await?;
        Ok(Self { core, _admin: admin })
    }

    /// Takes the files as they are now: gateways that stay keep their tunnels, streams are not cut. When one of the
    /// files is bad, everything stays as it was.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        let taken = match Settings::load(&self.core.dirs, &self.core.me.start.identity) {
            Ok(settings) => self.core.apply(settings).await.map_err(ReloadError::from),
            Err(error) => Err(error.into()),
        };
        self.core.running().reload_error = taken.as_ref().err().map(ToString::to_string);
        taken
    }

    pub fn status(&self) -> Status {
        self.core.status()
    }

    /// Refuses new streams, waits until the open ones end or the deadline, and leaves the gateways. Returns how many
    /// streams were cut.
    pub async fn drain(self, deadline: Duration) -> usize {
        let core = &self.core;
        core.desk.drain();
        let links = std::mem::take(&mut core.running().links);
        let ends = tokio::time::Instant::now() + deadline;
        let leave = links.into_iter().map(|link| link.retire(deadline, "this node goes away"));
        let count = async {
            let _in_time = tokio::time::timeout_at(ends, core.desk.drained()).await;
            core.desk.open_streams()
        };
        let (cut, _) = tokio::join!(count, futures_util::future::join_all(leave));
        cut
    }
}

impl Core {
    fn running(&self) -> MutexGuard<'_, Running> {
        // Each change is whole before the next one that could panic.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn apply(&self, settings: Settings) -> Result<(), LanError> {
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
            self.retiring.spawn(link.retire(REMOVED_GATEWAY, "this node left the gateway"));
        }
    }

    fn status(&self) -> Status {
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
