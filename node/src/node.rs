//! The node itself: starts, takes new settings while it runs, tells how it is, drains.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::{ConfigError, Dirs};
use jiff::Timestamp;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tunnel::shard::Shards;

use crate::admin::AdminSocket;
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
    #[error("cannot make the admin socket {}: {source}", path.display())]
    AdminSocket { path: PathBuf, source: std::io::Error },
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
        let desk = Arc::new(Desk::new(table, streams));
        let core = Core { me, desk, handlers, running: Mutex::default(), retiring: TaskTracker::new(), dirs };
        let core = Arc::new(core);
        let path = core.dirs.local("node.sock");
        let admin = AdminSocket::bind(&path).map_err(|source| StartError::AdminSocket { path, source })?;
        let shown = core.clone();
        let admin = AbortOnDropHandle::new(tokio::spawn(admin.serve(Arc::new(move || shown.status()))));
        core.apply(settings);
        Ok(Self { core, _admin: admin })
    }

    /// Takes the files as they are now: gateways that stay keep their tunnels, streams are not cut. When one of the
    /// files is bad, everything stays as it was.
    pub fn reload(&self) -> Result<(), ConfigError> {
        match Settings::load(&self.core.dirs, &self.core.me.start.identity) {
            Ok(settings) => {
                self.core.apply(settings);
                Ok(())
            }
            Err(error) => {
                self.core.running().reload_error = Some(error.to_string());
                Err(error)
            }
        }
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

    fn apply(&self, settings: Settings) {
        let me = self.me.start.identity.server_id.clone();
        self.desk.set_table(Table::new(me, &settings.services, &self.handlers, &settings.lan));
        let mut running = self.running();
        let changed =
            (&running.settings.services, &running.settings.lan) != (&settings.services, &settings.lan);
        let (kept, gone): (Vec<Link>, Vec<Link>) =
            running.links.drain(..).partition(|link| settings.gateways.contains(link.gateway()));
        if changed {
            kept.iter().for_each(Link::announce);
        }
        for link in gone {
            let gateway = link.gateway().address();
            tracing::info!(%gateway, "not in gateway.json any more; its streams may end, new ones are not taken");
            self.retiring.spawn(link.retire(REMOVED_GATEWAY, "this node left the gateway"));
        }
        let fresh =
            settings.gateways.iter().filter(|gateway| kept.iter().all(|link| link.gateway() != *gateway));
        let fresh: Vec<Link> =
            fresh.map(|gateway| Link::start(gateway.clone(), self.me.clone(), self.desk.clone())).collect();
        running.links = kept.into_iter().chain(fresh).collect();
        running.settings = settings;
        running.reload_error = None;
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
            lan: lan_status(&running.settings),
            reload_error: running.reload_error.clone(),
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

fn lan_status(settings: &Settings) -> LanStatus {
    let peer = |(id, peer): (&tunnel::ServerId, &crate::lan::Peer)| PeerStatus {
        server_id: id.clone(),
        connect: peer.connect.as_ref().map(ToString::to_string),
    };
    LanStatus {
        listen: settings.lan.listen.map(|address| address.to_string()),
        peers: settings.lan.peers.iter().map(peer).collect(),
    }
}
