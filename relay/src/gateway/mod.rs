//! The gateway as a whole.

mod drain;
mod error;
mod reload;
mod start;
mod view;

use std::sync::{Arc, RwLock};

use arc_swap::ArcSwap;
use config::Dirs;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::ServerId;
use tunnel::quic::Listener;
use tunnel::tls::Acceptor;

use crate::admission::{Admission, ChangeError, Verdict};
use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::ports::Ports;
use crate::router::Router;
use crate::settings::Settings;
use crate::web::front::Front;

pub use error::{ReloadError, StartError};

/// A running gateway; cheap to clone. It ends with [`Gateway::drain`].
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dirs: Dirs,
    settings: Arc<ArcSwap<Settings>>,
    since: Timestamp,
    nodes: Arc<Nodes>,
    admission: Arc<Admission>,
    guard: Arc<Guard>,
    router: Router,
    metrics: Metrics,
    registry: RwLock<Registry>,
    quic: Vec<Listener>,
    ports: Ports,
    /// Nodes that come in over TCP.
    acceptor: Arc<Acceptor>,
    /// Clients over HTTPS.
    front: Front,
    /// Streams of clients.
    streams: TaskTracker,
    /// Everything else.
    tasks: TaskTracker,
    /// Ends relayed connections that no tunnel's end would end.
    cut: CancellationToken,
    /// Ends `tasks`.
    stop: CancellationToken,
    /// Somebody asked over the admin socket that the gateway ends.
    leave: CancellationToken,
}

impl Gateway {
    /// Runs a task until the gateway ends.
    pub(crate) fn keep(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Revokes a server (its tunnels are closed at once), restores it, or forgets its key.
    pub async fn change(&self, id: &ServerId, verdict: Verdict) -> Result<(), ChangeError> {
        let inner = &self.0;
        // First on record, so that a node which comes back meanwhile is refused; then cut; then on disk.
        let stored = inner.admission.change(id, verdict)?;
        if verdict != Verdict::Restore {
            inner.nodes.revoke(id);
        }
        let changed = stored.await;
        tracing::info!(server = %id, ?verdict, "changed by the administrator");
        changed
    }

    pub fn router(&self) -> &Router {
        &self.0.router
    }

    pub fn settings(&self) -> Arc<Settings> {
        self.0.settings.load_full()
    }

    pub(crate) fn dirs(&self) -> &Dirs {
        &self.0.dirs
    }
}
