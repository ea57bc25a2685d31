//! Everything that a gateway starts, in order.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use config::Dirs;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::quic::Listener;
use tunnel::shard::Shards;
use tunnel::tls::Acceptor;
use tunnel::{Pending, Process};

use super::{Gateway, Inner, StartError};
use crate::admin;
use crate::admission::{self, Admission};
use crate::arrivals::Arrivals;
use crate::collector::Tunnels;
use crate::guard::Guard;
use crate::keys::{self, KeysError};
use crate::listen;
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::ports::Ports;
use crate::router::Router;
use crate::settings::Settings;
use crate::web::front::{Front, Parts};

/// Nodes that said hello and wait for a decision; the listeners wait beyond it.
const ARRIVALS: usize = 256;
/// How often what is quiet is forgotten.
const SWEEP: Duration = Duration::from_secs(30);

impl Gateway {
    /// Starts everything that `settings` asks for; must be called on a tokio runtime.
    pub async fn start(settings: Settings, dirs: &Dirs) -> Result<Self, StartError> {
        let identity = keys::tunnel_identity(dirs, &settings)?;
        let reset_key = keys::reset_key(dirs)?;
        let shards = Shards::start("gateway", Shards::default_count()).map_err(StartError::Threads)?;
        let (tasks, streams, stop) = (TaskTracker::new(), TaskTracker::new(), CancellationToken::new());
        let (arriving, arrived) = mpsc::channel(ARRIVALS);

        let Core { registry, metrics, nodes, admission, guard, router } =
            Core::new(&settings, dirs, &shards)?;
        let quic = listen_quic(&settings, &identity, &reset_key, &shards, &arriving)?;
        let mut address = settings.listen.0;
        if let Some(first) = quic.first() {
            metrics.udp_buffers(&first.buffers());
            address.set_port(first.address().port());
        }
        let cut = CancellationToken::new();
        let ports = Ports::new(router.clone(), guard.clone(), streams.clone(), cut.clone());
        ports.set(&settings)?;
        let acceptor = Arc::new(Acceptor::new(&identity, &shards, &arriving).map_err(KeysError::from)?);
        let (own, nodes_in) = (identity, acceptor.clone());
        let parts = Parts { address, own, router: router.clone(), guard: guard.clone(), nodes: nodes_in };
        let front = Front::open(&settings, &dirs.local_dir, parts)?;
        let gateway = Self(Arc::new(Inner {
            dirs: dirs.clone(),
            settings: Arc::new(ArcSwap::from_pointee(settings)),
            since: Timestamp::now(),
            nodes,
            admission,
            guard,
            router,
            metrics,
            registry: RwLock::new(registry),
            quic,
            ports,
            acceptor,
            front,
            streams,
            tasks,
            cut,
            stop,
            leave: CancellationToken::new(),
        }));
        gateway.attend(arrived, Process::start(&reset_key)).await?;
        Ok(gateway)
    }

    /// Starts what runs beside the listeners.
    async fn attend(&self, arrived: mpsc::Receiver<Pending>, process: Process) -> Result<(), StartError> {
        self.look_at_certificates();
        self.spawn_keepers(arrived, process);
        Ok(admin::start(self).await?)
    }

    fn spawn_keepers(&self, arrived: mpsc::Receiver<Pending>, process: Process) {
        let inner = &self.0;
        let arrivals = Arrivals {
            settings: inner.settings.clone(),
            process,
            admission: inner.admission.clone(),
            nodes: inner.nodes.clone(),
            router: inner.router.clone(),
            metrics: inner.metrics.clone(),
            tasks: inner.tasks.clone(),
        };
        self.keep(arrivals.run(arrived));
        let admission = inner.admission.clone();
        self.keep(async move { admission.keep_stored().await });
        let (admission, guard) = (inner.admission.clone(), inner.guard.clone());
        self.keep(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                admission.sweep();
                guard.sweep();
            }
        });
    }
}

/// What a gateway knows and decides with, before it listens.
struct Core {
    registry: Registry,
    metrics: Metrics,
    nodes: Arc<Nodes>,
    admission: Arc<Admission>,
    guard: Arc<Guard>,
    router: Router,
}

impl Core {
    fn new(settings: &Settings, dirs: &Dirs, shards: &Shards) -> Result<Self, StartError> {
        let mut registry = Registry::with_prefix("fastx_gateway");
        let metrics = Metrics::register(&mut registry);
        let nodes = Arc::new(Nodes::default());
        let admission = Admission::open(dirs.local(admission::FILE), settings)?;
        nodes.remember(admission.known());
        let guard = Guard::new(&settings.limits);
        let router = Router::new(nodes.clone(), shards.clone(), metrics.clone(), settings.limits.open);
        registry.register_collector(Box::new(Tunnels { nodes: nodes.clone(), guard: guard.clone() }));
        Ok(Self { registry, metrics, nodes, admission, guard, router })
    }
}

fn listen_quic(
    settings: &Settings,
    identity: &tunnel::ServerIdentity,
    reset_key: &[u8; 64],
    shards: &Shards,
    arriving: &mpsc::Sender<Pending>,
) -> Result<Vec<Listener>, StartError> {
    let mut listeners: Vec<Listener> = Vec::new();
    for mut address in listen::udp_addresses(settings.listen.0) {
        if let Some(first) = listeners.first() {
            // Port 0 became a real one.
            address.set_port(first.address().port());
        }
        listen::probe_udp("`listen`", address)?;
        let listener = Listener::bind(address, identity, reset_key, shards, arriving)?;
        if let Some(advice) = listener.buffers().advice() {
            tracing::warn!("{advice}");
        }
        listeners.push(listener);
    }
    Ok(listeners)
}
