//! The gateway as a whole: everything it starts, in order, and how it ends.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use config::{ConfigError, Dirs};
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::quic::{self, Listener};
use tunnel::shard::Shards;
use tunnel::tls::Acceptor;
use tunnel::wire::control::Control;
use tunnel::{CloseCode, Pending, ServerId};

use crate::admin::{self, AdminError};
use crate::admission::{self, Admission, ChangeError, Verdict};
use crate::arrivals::Arrivals;
use crate::collector::Tunnels;
use crate::guard::Guard;
use crate::keys::{self, KeysError};
use crate::listen::{self, BindError};
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::ports::Ports;
use crate::report::{self, NodesReport, StatusReport};
use crate::router::Router;
use crate::settings::Settings;
use crate::web::certificates::CertificateError;
use crate::web::front::{Front, FrontError, Parts};

/// Nodes that said hello and wait for a decision; the listeners wait beyond it.
const ARRIVALS: usize = 256;
/// How often what is quiet is forgotten.
const SWEEP: Duration = Duration::from_secs(30);
/// After the deadline of a drain: for nodes to hear why, and for tasks to see their ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Quic(#[from] quic::ListenError),
    #[error(transparent)]
    Web(#[from] FrontError),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("cannot start threads: {0}")]
    Threads(#[source] std::io::Error),
}

impl StartError {
    /// Whether starting again can only help after somebody changed the configuration.
    pub fn is_config(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Keys(_) | Self::Web(FrontError::Certificate(_)))
    }
}

/// Why a configuration was not taken; the old one stays.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Quic(#[from] quic::ListenError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("`{0}` changes only with a restart")]
    NeedsRestart(&'static str),
}

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
    /// Starts everything that `settings` asks for; must be called on a tokio runtime.
    pub async fn start(settings: Settings, dirs: &Dirs) -> Result<Self, StartError> {
        let identity = keys::tunnel_identity(dirs, &settings)?;
        let reset_key = keys::reset_key(dirs)?;
        let shards = Shards::start("gateway", Shards::default_count()).map_err(StartError::Threads)?;
        let (tasks, streams, stop) = (TaskTracker::new(), TaskTracker::new(), CancellationToken::new());
        let (arriving, arrived) = mpsc::channel(ARRIVALS);

        let mut registry = Registry::with_prefix("fastx_gateway");
        let metrics = Metrics::register(&mut registry);
        let nodes = Arc::new(Nodes::default());
        let admission = Admission::open(dirs.local(admission::FILE), &settings)?;
        nodes.remember(admission.known());
        let guard = Guard::new(&settings.limits);
        let router = Router::new(nodes.clone(), shards.clone(), metrics.clone(), settings.limits.open);
        registry.register_collector(Box::new(Tunnels { nodes: nodes.clone(), guard: guard.clone() }));

        let quic = listen_quic(&settings, &identity, &reset_key, &shards, &arriving)?;
        if let Some(first) = quic.first() {
            metrics.udp_buffers(&first.buffers());
        }
        let cut = CancellationToken::new();
        let ports = Ports::new(router.clone(), guard.clone(), streams.clone(), cut.clone());
        ports.set(&settings)?;
        let acceptor = Arc::new(Acceptor::new(&identity, &shards, &arriving).map_err(KeysError::from)?);
        let mut address = settings.listen.0;
        if let Some(first) = quic.first() {
            address.set_port(first.address().port());
        }
        let parts = Parts {
            address,
            own: identity,
            router: router.clone(),
            guard: guard.clone(),
            nodes: acceptor.clone(),
        };
        let front = Front::open(&settings, &dirs.local_dir, parts)?;

        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let gateway = Self(Arc::new(Inner {
            dirs: dirs.clone(),
            settings,
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
        gateway.look_at_certificates();
        gateway.spawn_keepers(arrived);
        admin::start(&gateway).await?;
        Ok(gateway)
    }

    fn spawn_keepers(&self, arrived: mpsc::Receiver<Pending>) {
        let inner = &self.0;
        let arrivals = Arrivals {
            settings: inner.settings.clone(),
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

    /// Reads the configuration anew. What is open stays open; when anything is wrong with the new one, the old stays.
    pub fn reload(&self) -> Result<(), ReloadError> {
        let reloaded = self.try_reload();
        self.0.metrics.reloaded(reloaded.is_ok());
        match &reloaded {
            Ok(()) => tracing::info!("configuration reloaded"),
            Err(error) => tracing::error!(%error, "configuration not reloaded; the old one stays"),
        }
        reloaded
    }

    fn try_reload(&self) -> Result<(), ReloadError> {
        let inner = &self.0;
        let (old, new) = (inner.settings.load_full(), Settings::read(&inner.dirs)?);
        if old.listen != new.listen {
            return Err(ReloadError::NeedsRestart("listen"));
        }
        if old.metrics != new.metrics {
            return Err(ReloadError::NeedsRestart("metrics"));
        }
        let identity = keys::tunnel_identity(&inner.dirs, &new)?;
        inner.front.reload(&new, &identity)?;
        inner.ports.set(&new)?;
        inner.acceptor.set_identity(&identity).map_err(KeysError::from)?;
        for listener in &inner.quic {
            listener.set_identity(&identity)?;
        }
        inner.guard.set(&new.limits);
        inner.admission.set(&new);
        inner.router.set_open_within(new.limits.open);
        inner.settings.store(Arc::new(new));
        self.look_at_certificates();
        Ok(())
    }

    /// Takes the gateway out of service: nodes are told, ports close, new streams are refused, open ones may finish
    /// within `limit`; then everything ends.
    pub async fn drain(&self, limit: Duration) {
        let inner = &self.0;
        inner.router.drain();
        inner.ports.close();
        inner.front.close().await;
        inner.quic.iter().for_each(Listener::close);
        let deadline_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let reason = "the gateway is being taken out of service";
        for tunnel in inner.nodes.snapshot().links() {
            tunnel.send(Control::Drain { deadline_ms, reason: reason.into() });
        }
        inner.streams.close();
        let (finished, ()) =
            tokio::join!(tokio::time::timeout(limit, inner.streams.wait()), inner.front.drain(limit));
        let finished = finished.is_ok();
        tracing::info!(
            left = inner.streams.len(),
            "{}",
            if finished { "drained" } else { "drain deadline reached" }
        );
        self.end().await;
    }

    /// Asks whoever runs the gateway to drain it.
    pub fn ask_to_drain(&self) {
        self.0.leave.cancel();
    }

    /// Waits until somebody asked for a drain.
    pub async fn asked_to_drain(&self) {
        self.0.leave.cancelled().await;
    }

    async fn end(&self) {
        let inner = &self.0;
        inner.cut.cancel();
        let tunnels: Vec<_> = inner.nodes.snapshot().links().cloned().collect();
        tunnels.iter().for_each(|tunnel| tunnel.close(CloseCode::Shutdown, "the gateway ends"));
        let _impatient = tokio::time::timeout(FAREWELL, inner.streams.wait()).await.is_err();
        inner.stop.cancel();
        inner.tasks.close();
        let _impatient = tokio::time::timeout(FAREWELL, inner.tasks.wait()).await.is_err();
        inner.admission.finish().await;
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

    pub fn nodes(&self) -> NodesReport {
        report::nodes(&self.0.nodes.snapshot(), &self.0.admission.view())
    }

    pub fn status(&self) -> StatusReport {
        let inner = &self.0;
        let snapshot = inner.nodes.snapshot();
        let advice = inner.quic.first().and_then(|listener| listener.buffers().advice());
        let settings = inner.settings.load();
        StatusReport {
            version: env!("CARGO_PKG_VERSION").into(),
            host: settings.host.clone(),
            since: inner.since,
            draining: inner.router.is_draining(),
            listen: self.addresses().iter().map(SocketAddr::to_string).collect(),
            services: inner.ports.report(),
            nodes_connected: snapshot.servers().filter(|server| server.is_healthy()).count(),
            nodes_known: inner.admission.view().servers.len(),
            tunnels: snapshot.links().count(),
            open_streams: snapshot.links().map(tunnel::Tunnel::open_streams).sum(),
            connections: inner.guard.open(),
            conflicts: inner.admission.view().conflicts.len(),
            certificate_expires: self.public_expiry().and_then(|at| at.try_into().ok()),
            certificate_problem: self.0.front.certificates().status().problem,
            advice: advice.into_iter().collect(),
        }
    }

    /// Where nodes come in.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.quic.iter().map(Listener::address).collect()
    }

    /// Where the named TCP services are, in the order in which they were opened.
    pub fn ports(&self) -> Vec<report::PortReport> {
        self.0.ports.report()
    }

    /// Whether new clients are served; else why not.
    pub fn readiness(&self) -> Result<(), &'static str> {
        if self.0.router.is_draining() {
            Err("draining: the gateway is being taken out of service")
        } else {
            Ok(())
        }
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

    /// In the text format of OpenMetrics.
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        let registry = self.0.registry.read().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string takes every write");
        text
    }

    fn look_at_certificates(&self) {
        let tunnel = keys::expiry_of_file(&self.0.dirs.config(keys::TUNNEL_CERTIFICATE));
        for (name, expiry) in [("tunnel", tunnel), ("public", self.public_expiry())] {
            if let Some(expiry) = expiry {
                self.0.metrics.certificate_expires(name, expiry);
            }
        }
    }

    fn public_expiry(&self) -> Option<SystemTime> {
        Some(self.0.front.certificates().status().facts.not_after.into())
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
