//! The node itself: starts, takes new settings while it runs, tells how it is, drains.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use config::{ConfigError, Dirs};
use jiff::Timestamp;
use tunnel::shard::Shards;
use tunnel::tls::lan::LanError;

use crate::admin::AdminSocket;
use crate::core::Core;
use crate::lan::Ways;
use crate::local::{LocalError, Start};
use crate::me::Me;
use crate::serve::Desk;
use crate::settings::Settings;
use crate::status::Status;
use crate::table::{Handler, Table};

/// The links cut so much after the deadline, because what is cut is counted first.
const COUNTED: Duration = Duration::from_millis(100);

/// How to start a node.
pub struct Options {
    pub dirs: Dirs,
    /// Services inside this process, by name.
    pub handlers: BTreeMap<String, Arc<dyn Handler>>,
    /// Threads that carry streams.
    pub shards: Shards,
    /// Streams at a time; one with a socket behind it takes one file descriptor.
    pub streams: usize,
    /// Of the program, for the gateways' and the administrator's eyes.
    pub version: String,
    /// Whether there is a `node.sock`: it takes a file descriptor, and of thousands of nodes in one process nobody asks one.
    pub socket: bool,
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
    admin: Option<AdminSocket>,
}

impl Node {
    /// Reads the configuration, opens the admin socket if it is wanted, and begins to dial. Does not wait for any gateway.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let Options { dirs, handlers, shards, streams, version, socket } = options;
        let start = Start::begin(&dirs)?;
        let settings = Settings::load(&dirs, &start.identity)?;
        let table =
            Table::new(start.identity.server_id.clone(), &settings.services, &handlers, &settings.lan);
        let me = Arc::new(Me { start, started: Timestamp::now(), version, shards });
        let desk = Arc::new(Desk::new(table, streams, Ways::new(me.clone())));
        let core = Arc::new(Core::new(dirs, me, desk, handlers));
        let path = core.dirs.local("node.sock");
        let admin = socket
            .then(|| AdminSocket::start(&path, status_route(&core)))
            .transpose()
            .map_err(|source| StartError::AdminSocket { path, source })?;
        core.apply(settings).await?;
        Ok(Self { core, admin })
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

    /// What else of a reload was not taken, for the status.
    pub fn not_taken(&self, why: &str) {
        self.core.running().reload_error = Some(why.to_owned());
    }

    pub fn status(&self) -> Status {
        self.core.status()
    }

    pub(crate) fn core(&self) -> Arc<Core> {
        Arc::clone(&self.core)
    }

    /// `node.sock` also answers these.
    pub fn add_routes(&self, routes: Router) {
        self.admin.iter().for_each(|admin| admin.add(routes.clone()));
    }

    /// Refuses new streams, waits until the open ones end or the deadline, and leaves the gateways. Returns how many
    /// streams were cut.
    pub async fn drain(self, deadline: Duration) -> usize {
        let core = &self.core;
        core.desk.drain();
        let ends = tokio::time::Instant::now() + deadline;
        // The links stay in their list: whoever asks meanwhile sees them leave.
        let leave: Vec<_> = core
            .running()
            .links
            .iter()
            .map(|link| link.retire(deadline + COUNTED, "this node goes away"))
            .collect();
        let count = async {
            let _in_time = tokio::time::timeout_at(ends, core.desk.drained()).await;
            core.desk.open_streams()
        };
        let (cut, _) = tokio::join!(count, futures_util::future::join_all(leave));
        cut
    }
}

fn status_route(core: &Arc<Core>) -> Router {
    let core = Arc::clone(core);
    Router::new().route("/status", get(async move || Json(core.status())))
}
