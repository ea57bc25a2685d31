//! Nodes that said hello: let in or sent away, registered, and followed until their tunnel closes.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::TaskTracker;
use tunnel::wire::control::{Hello, RefusalCode};
use tunnel::{
    Close, CloseCode, Event, Fingerprint, Onward, Pending, Process, Refusal, ServerId, Tunnel, Way,
};

use crate::admission::Admission;
use crate::metrics::Metrics;
use crate::nodes::{Nodes, Registered};
use crate::registry::{NotRegistered, Registration, Removed};
use crate::route;
use crate::router::Router;
use crate::settings::Settings;

/// Hellos that are decided on, or refused, at once: 1,000 nodes come back together after a restart.
const AT_ONCE: usize = 1024;
/// A welcome is one small message; a node that does not take it in this time is not there.
const WELCOME: Duration = Duration::from_secs(5);

/// A silence is looked at once more before a tunnel is given up for another one.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Decides on nodes.
#[derive(Clone, Debug)]
pub struct Arrivals {
    pub settings: Arc<ArcSwap<Settings>>,
    pub process: Process,
    pub admission: Arc<Admission>,
    pub nodes: Arc<Nodes>,
    pub router: Router,
    pub metrics: Metrics,
    pub tasks: TaskTracker,
}

impl Arrivals {
    /// Takes nodes as they come; ends when the listeners do.
    pub async fn run(self, mut pending: mpsc::Receiver<Pending>) {
        let arrivals = Arc::new(self);
        let places = Arc::new(Semaphore::new(AT_ONCE));
        while let Some(node) = pending.recv().await {
            // Beyond it a node gets no answer, and comes back by itself.
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            arrivals.tasks.spawn(arrivals.clone().serve(node, place));
        }
    }

    /// One node, from its hello to the end of its tunnel. The welcome is boxed and freed: tunnels stay for weeks.
    fn serve(self: Arc<Self>, node: Pending, place: OwnedSemaphorePermit) -> impl Future<Output = ()> + Send {
        let welcome = Box::pin(self.clone().welcome(node, place));
        async move {
            if let Some((tunnel, registered, generation)) = welcome.await {
                self.follow(&tunnel, &registered, generation).await;
            }
        }
    }

    async fn welcome(
        self: Arc<Self>,
        node: Pending,
        place: OwnedSemaphorePermit,
    ) -> Option<(Tunnel, Registered, u64)> {
        let (id, remote, transport) = (node.hello.server_id.clone(), node.remote, node.transport);
        let key = node.key.clone();
        if let Err(refusal) = self.decide(&node.hello, &node.key, remote).await {
            self.metrics.hello(Some(refusal.code));
            tracing::info!(server = %id, %remote, %key, code = ?refusal.code, reason = %refusal, "node refused");
            node.refuse(refusal).await;
            return None;
        }
        let generation = node.hello.generation;
        let registration = Registration {
            id: id.clone(),
            key,
            version: node.hello.version.clone(),
            generation,
            services: node.hello.services.clone(),
            reach: node.hello.reach.clone(),
        };
        let gateway = self.settings.load().host.clone();
        let tunnel = match tokio::time::timeout(WELCOME, node.admit(&gateway, self.process)).await {
            Ok(Ok(tunnel)) => tunnel,
            Ok(Err(error)) => {
                tracing::debug!(server = %id, %remote, %error, "node left before its welcome");
                return None;
            }
            Err(_) => {
                tracing::debug!(server = %id, %remote, "node took no welcome");
                return None;
            }
        };
        drop(place);
        match self.nodes.register(registration, tunnel.clone()) {
            Ok(registered) => {
                self.metrics.hello(None);
                tracing::info!(server = %id, %remote, %transport, tunnel = tunnel.id(), "node connected");
                Some((tunnel, registered, generation))
            }
            // Another start of the node overtook this one just now.
            Err(error) => {
                tunnel.close(CloseCode::Displaced, &error.to_string());
                None
            }
        }
    }

    async fn decide(&self, hello: &Hello, key: &Fingerprint, remote: SocketAddr) -> Result<(), Refusal> {
        if self.router.is_draining() {
            let reason = "this gateway is being taken out of service".into();
            return Err(Refusal { code: RefusalCode::Draining, reason });
        }
        let settings = self.settings.load_full();
        self.admission.decide(hello, key, remote.ip(), &settings).await?;
        self.nodes.check(&hello.server_id, hello.generation).map_err(|error| {
            let code = match error {
                NotRegistered::Stale { .. } => RefusalCode::StaleGeneration,
                NotRegistered::TooMany => RefusalCode::Busy,
            };
            Refusal { code, reason: error.to_string() }
        })
    }

    /// Hears what the node says about itself until the tunnel closes.
    async fn follow(&self, tunnel: &Tunnel, registered: &Registered, generation: u64) {
        let id = registered.id();
        if self.admission.is_revoked(id) {
            // Revoked between the decision and the registration.
            self.nodes.revoke(id);
        }
        let mut given_up = pin!(self.given_up(tunnel, id, generation));
        let close = loop {
            let event = tokio::select! {
                biased;
                close = tunnel.closed() => break close,
                () = &mut given_up => {
                    // Its streams go on over the other tunnel at once.
                    let close = Close::local(CloseCode::Lost, "silent while another tunnel of this node is not");
                    tunnel.close(close.code, &close.reason);
                    break close;
                }
                event = tunnel.event() => event,
            };
            match event {
                Event::Drain { deadline, reason } => {
                    tracing::info!(server = %id, tunnel = tunnel.id(), ?deadline, reason, "node drains");
                    registered.drain();
                }
                Event::Update { services, reach, resting } => {
                    registered.update(services, reach, resting);
                }
            }
        };
        let removed = registered.end();
        tracing::info!(server = %id, tunnel = tunnel.id(), %close, last = removed == Removed::Last, "tunnel closed");
        if removed == Removed::Last {
            self.admission.seen(id);
        }
    }

    /// Waits until the tunnel is silent while another one to the same process is not.
    async fn given_up(&self, tunnel: &Tunnel, id: &ServerId, generation: u64) {
        let way = tunnel.way();
        loop {
            way.leaves(Way::Good).await;
            tokio::time::sleep(SECOND_LOOK).await;
            let other = route::resume(&self.nodes.snapshot(), id, generation);
            if tunnel.is_doubtful() && matches!(other, Onward::Over(_)) {
                return;
            }
        }
    }
}
