//! A gateway's host: the shipped listeners, admission, registry and router, on simulated ports.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use config::Secrecy;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use relay::admission::{self, Admission, Binding, Book};
use relay::arrivals::Arrivals;
use relay::nodes::Nodes;
use relay::settings::Settings;
use relay::{Metrics, Router};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::task::TaskTracker;
use tunnel::quic;
use tunnel::shard::Shards;
use tunnel::tls::{self, Acceptor};
use tunnel::{Fingerprint, Pending, Process, ServerId, ServerIdentity};

use super::door::Door;
use super::error::RunError;
use super::network::Seen;
use super::tcp::Listener;
use super::watch::Watch;

/// Where nodes come in, over UDP and TCP.
pub(crate) const PORT: u16 = 443;
/// gateway-server.json.
const SETTINGS: &str = r#"{ "listen": "0.0.0.0:443", "host": "gateway", "token": "simulated" }"#;
const OPEN: Duration = Duration::from_secs(10);

/// A running gateway; dropped, its process is gone.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) nodes: Arc<Nodes>,
    router: Router,
    listener: Arc<quic::Listener>,
    streams: TaskTracker,
    doors: Vec<(ServerId, Arc<AtomicUsize>)>,
    _tasks: JoinSet<()>,
}

impl Gateway {
    /// `folder` holds its identity; `services`: for each node that people ask for, its port and name.
    pub(crate) fn start(
        seen: &Seen,
        name: &str,
        folder: &Path,
        services: &[(u16, ServerId)],
        watch: &Arc<Watch>,
    ) -> Result<Self, RunError> {
        let identity = ServerIdentity::from_files(&folder.join("cert.pem"), &folder.join("key.pem"))?;
        let settings: Settings =
            serde_json::from_str(SETTINGS).expect("gateway-server.json as its type has it");
        let shards = Shards::here(Arc::new(seen.clone()));
        let metrics = Metrics::register(&mut Registry::default());
        let nodes = Arc::new(Nodes::default());
        let admission = Admission::open(folder.join(admission::FILE), &settings)?;
        let router = Router::new(nodes.clone(), shards.clone(), metrics.clone(), OPEN);
        let (arriving, arrived) = mpsc::channel(256);
        let reset_key = [u8::try_from(seen.host.0).expect("a plan has few hosts"); 64];
        let address = SocketAddr::new(seen.wire.state().addresses.of(seen.host), PORT);
        let listener = quic::Listener::bind(address, &identity, &reset_key, &shards, &arriving)?;
        let acceptor = Arc::new(Acceptor::new(&identity, &shards, &arriving)?);
        let arrivals = Arrivals {
            settings: Arc::new(ArcSwap::from_pointee(settings)),
            process: Process::start(&reset_key),
            admission: admission.clone(),
            nodes: nodes.clone(),
            router: router.clone(),
            metrics,
            tasks: TaskTracker::new(),
        };
        let (counted, counting) = mpsc::channel(256);
        let mut tasks = JoinSet::new();
        tasks.spawn(count(arrived, counted, name.to_owned(), watch.clone()));
        tasks.spawn(arrivals.run(counting));
        tasks.spawn(async move { admission.keep_stored().await });
        tasks.spawn(accept_nodes(Listener::bind(&seen.wire, seen.host, PORT)?, acceptor));
        let streams = TaskTracker::new();
        let mut doors = Vec::new();
        for (port, server) in services {
            let listener = Listener::bind(&seen.wire, seen.host, *port)?;
            let open = Arc::new(AtomicUsize::new(0));
            doors.push((server.clone(), open.clone()));
            let door = Door {
                gateway: seen.host,
                open,
                router: router.clone(),
                server: server.clone(),
                streams: streams.clone(),
                watch: watch.clone(),
            };
            tasks.spawn(door.serve(listener));
        }
        Ok(Self { nodes, router, listener: Arc::new(listener), streams, doors, _tasks: tasks })
    }

    /// Streams that are open to each node; those with none are left out.
    pub(crate) fn open_streams(&self) -> impl Iterator<Item = (ServerId, usize)> + use<'_> {
        let counted = self.doors.iter().map(|(server, open)| (server.clone(), open.load(Ordering::Relaxed)));
        counted.filter(|(_, open)| *open > 0)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.router.is_draining()
    }

    /// As on SIGTERM: nodes are told, what is open may finish within `limit`, then all tunnels close.
    pub(crate) fn drain(&self, limit: Duration) -> impl Future<Output = ()> + use<> {
        let (router, nodes, streams) = (self.router.clone(), self.nodes.clone(), self.streams.clone());
        router.drain();
        self.listener.close();
        async move {
            nodes.announce_drain(limit, "the gateway drains");
            streams.close();
            let _impatient = tokio::time::timeout(limit, streams.wait()).await.is_err();
            nodes.close_all("the gateway ends");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Binds all nodes to their keys before any of them comes: a binding that is new is stored by another thread, and no run
/// would be like another.
pub(crate) fn remember(folder: &Path, keys: &BTreeMap<ServerId, Fingerprint>) -> Result<(), RunError> {
    let seen = Timestamp::UNIX_EPOCH;
    let binding =
        |key: &Fingerprint| Binding { key: key.clone(), first_seen: seen, last_seen: seen, revoked: None };
    let servers = keys.iter().map(|(id, key)| (id.clone(), binding(key))).collect();
    let book = Book { servers, ..Book::default() };
    Ok(config::write_json(&folder.join(admission::FILE), &book, Secrecy::OwnerOnly)?)
}

/// Tells the watch of everyone who said hello.
async fn count(
    mut arrived: mpsc::Receiver<Pending>,
    counted: mpsc::Sender<Pending>,
    name: String,
    watch: Arc<Watch>,
) {
    while let Some(pending) = arrived.recv().await {
        watch.dialled(&name);
        if counted.send(pending).await.is_err() {
            return;
        }
    }
}

async fn accept_nodes(listener: Listener, acceptor: Arc<Acceptor>) {
    let mut handshakes = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await;
        while handshakes.try_join_next().is_some() {}
        let acceptor = acceptor.clone();
        handshakes.spawn(async move {
            let greeting = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket);
            if let Ok(Ok(start)) = tokio::time::timeout(OPEN, greeting).await
                && tls::is_tunnel(&start.client_hello())
            {
                // The node sees it too, and dials again.
                let _failed = acceptor.accept(start).await.is_err();
            }
        });
    }
}
