//! A TCP port of the gateway that leads through tunnels to a service of the nodes.
//!
//! The shard that accepts a connection chooses the way and hands the bare socket to the shard of the tunnel; there one
//! task opens the stream, waits for the answer, and pumps.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;
use tunnel::pump::{self, Outcome, Patience};
use tunnel::shard::Shard;
use tunnel::{OpenError, ServerId, Slot, Stream, TraceId, Tunnel};

use crate::early::Early;
use crate::error::{RouteError, TryError};
use crate::guard::{Guard, Permit};
use crate::listen::reset_on_close;
use crate::metrics::Metrics;
use crate::proxied;
use crate::route::{Want, Way};
use crate::router::{Attempt, Router};
use crate::settings::{Cidr, Limits};

/// What all connections of one port have in common.
#[derive(Debug)]
pub(crate) struct Service {
    pub router: Router,
    pub guard: Arc<Guard>,
    pub tasks: TaskTracker,
    pub service: Arc<str>,
    pub server: Option<ServerId>,
    pub believed: Believed,
    pub patience: Patience,
}

/// Load balancers that name the client in a PROXY header.
#[derive(Clone, Debug)]
pub(crate) struct Believed {
    networks: Vec<Cidr>,
    within: Duration,
}

impl Believed {
    /// `proxied`: whether this port takes PROXY headers at all.
    pub(crate) fn new(proxied: bool, networks: &[Cidr], limits: &Limits) -> Self {
        let networks = if proxied { networks.to_vec() } else { Vec::new() };
        Self { networks, within: limits.proxy_header }
    }

    pub(crate) fn is_balancer(&self, peer: SocketAddr) -> bool {
        self.networks.iter().any(|network| network.contains(peer.ip()))
    }

    /// The client that the load balancer names; the balancer itself in a health check.
    pub(crate) async fn client(&self, socket: &mut TcpStream, peer: SocketAddr) -> io::Result<SocketAddr> {
        let named = tokio::time::timeout(self.within, proxied::read(socket)).await;
        named.unwrap_or(Err(io::ErrorKind::TimedOut.into())).map(|named| named.unwrap_or(peer))
    }
}

/// A client whose way is chosen and whose socket no runtime knows yet.
struct Arrival {
    socket: OwnedFd,
    want: Want,
    permit: Option<Permit>,
    attempt: Attempt,
    way: Way<Tunnel>,
}

impl Service {
    /// Takes a connection that `shard` accepted. Does not wait.
    pub(crate) fn take(self: &Arc<Self>, socket: OwnedFd, client: SocketAddr, shard: usize) {
        let permit = if self.believed.is_balancer(client) {
            // The client that it names is what counts, once it is known.
            None
        } else {
            match self.admit(client) {
                Some(permit) => Some(permit),
                None => return reset_on_close(&socket),
            }
        };
        self.router.metrics().connected("service");
        let want = Want {
            server: self.server.clone(),
            sticky: None,
            service: self.service.clone(),
            client: Some(client),
            trace: TraceId::random(),
        };
        let mut attempt = self.router.attempt(&want);
        match attempt.next(&want, Some(shard)) {
            Ok(way) => self.send_home(Arrival { socket, want, permit, attempt, way }),
            Err(error) => {
                refuse(&want, &error);
                reset_on_close(&socket);
            }
        }
    }

    fn admit(&self, client: SocketAddr) -> Option<Permit> {
        self.guard.connection(client.ip()).map_or_else(
            |turned| {
                self.router.metrics().turned_away(turned);
                tracing::debug!(%client, %turned, "connection closed");
                None
            },
            Some,
        )
    }

    /// Hands the connection to the shard where its stream will live.
    fn send_home(self: &Arc<Self>, arrival: Arrival) {
        // QUIC always has a place; over TLS one may have to be waited for.
        let reserved = arrival.way.link.reserve(arrival.attempt.left()).now_or_never();
        let service = self.clone();
        match reserved {
            Some(slot) => {
                let home = slot.as_ref().map_or_else(|_| arrival.way.link.home(), Slot::home).clone();
                self.tasks.spawn_on(service.serve(arrival, slot), home.handle());
            }
            None => {
                let waiting = async move {
                    let slot = arrival.way.link.reserve(arrival.attempt.left()).await;
                    let home = slot.as_ref().map_or_else(|_| arrival.way.link.home(), Slot::home).clone();
                    let tasks = service.tasks.clone();
                    tasks.spawn_on(service.serve(arrival, slot), home.handle());
                };
                self.tasks.spawn(waiting);
            }
        }
    }

    /// One client, from its socket to its end. The part before the first byte flows is boxed and freed, because most
    /// connections are held far longer than opened.
    fn serve(
        self: Arc<Self>,
        arrival: Arrival,
        slot: Result<Slot, OpenError>,
    ) -> impl Future<Output = ()> + Send {
        let opening = Box::pin(self.open(arrival, slot));
        async move {
            if let Some(pumping) = opening.await {
                pumping.await;
            }
        }
    }

    async fn open(
        self: Arc<Self>,
        arrival: Arrival,
        slot: Result<Slot, OpenError>,
    ) -> Option<impl Future<Output = ()> + Send> {
        let (socket, stream, permit, trace) = self.connected(arrival, slot).await?;
        let patience = self.patience;
        let ended = move |outcome: Outcome| {
            self.router.metrics().moved(outcome.to_stream, outcome.to_socket);
            tracing::debug!(%trace, sent = outcome.to_stream, received = outcome.to_socket, end = ?outcome.end, "done");
            drop(permit);
        };
        Some(pump::tcp(socket, stream, patience).map(ended))
    }

    async fn connected(
        &self,
        arrival: Arrival,
        slot: Result<Slot, OpenError>,
    ) -> Option<(TcpStream, Stream, Option<Permit>, TraceId)> {
        let Arrival { socket, mut want, mut permit, attempt, way } = arrival;
        let mut socket = match TcpStream::from_std(socket.into()) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(trace = %want.trace, %error, "cannot register a connection");
                return None;
            }
        };
        let opened = async {
            if permit.is_none() {
                let peer = want.client.expect("take sets it");
                let client = self.believed.client(&mut socket, peer).await;
                let client = client.inspect_err(|error| {
                    tracing::info!(trace = %want.trace, %peer, %error, "no PROXY header");
                });
                want.client = client.ok();
                permit = Some(self.admit(want.client?)?);
            }
            let opened = self.connect(&socket, &want, attempt, way, slot).await;
            opened.inspect_err(|error| refuse(&want, error)).ok()
        };
        let Some(stream) = opened.await else {
            reset_on_close(&socket);
            return None;
        };
        Some((socket, stream, permit, want.trace))
    }

    /// Opens the stream, on another way while that can help.
    async fn connect(
        &self,
        socket: &TcpStream,
        want: &Want,
        mut attempt: Attempt,
        mut way: Way<Tunnel>,
        slot: Result<Slot, OpenError>,
    ) -> Result<Stream, RouteError> {
        let mut early = Early::default();
        let mut slot = Some(slot);
        loop {
            let (preamble, ways) = (attempt.preamble(want, &way), attempt.ways(&way));
            let one = async {
                let slot = match slot.take() {
                    Some(slot) => slot?,
                    None => way.link.reserve(attempt.left()).await?,
                };
                if early.is_empty() {
                    early.peek(socket)?;
                }
                let mut stream = slot.open_surviving(&preamble, early.kept(), ways).await?;
                early.answered(socket, &mut stream).await?;
                Ok(stream)
            };
            let tried: Result<Stream, TryError> = attempt.within(&way, one).await;
            match tried {
                Ok(stream) => {
                    attempt.opened();
                    return Ok(stream);
                }
                Err(error) => attempt.failed(want, way, error, early.is_sent())?,
            }
            way = attempt.next(want, None)?;
        }
    }
}

fn refuse(want: &Want, error: &RouteError) {
    let Want { trace, service, client, .. } = want;
    tracing::info!(%trace, %service, ?client, code = error.code(), %error, "connection refused");
}

/// Runs the service on one shard's listener until `stop`.
pub(crate) fn run_on(
    shard: &Shard,
    listener: std::net::TcpListener,
    stop: tokio_util::sync::CancellationToken,
    tasks: &TaskTracker,
    metrics: &Metrics,
    take: impl FnMut(OwnedFd, SocketAddr) + Send + 'static,
) {
    let metrics = metrics.clone();
    let accepting = async move {
        if let Err(error) = crate::accept::accept(listener, stop, metrics, take).await {
            tracing::error!(%error, "a listener broke");
        }
    };
    tasks.spawn_on(accepting, shard.handle());
}
