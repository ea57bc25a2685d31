//! The door for clients: accepts, counts, and hands each connection to a shard before a byte of it is read.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tunnel::shard::Shards;

use super::certificates::Certificates;
use super::forward::Forwarder;
use super::greet::{Greeted, greet};
use super::headers::Asker;
use super::patient::{Patient, WRITE};
use super::serve::{Serving, serve};
use super::turned::turn_away;
use crate::guard::{Guard, Handshake, Permit};
use crate::metrics::Metrics;
use crate::settings::Cidr;
use crate::tunnel_port::TunnelPort;

/// A client's connection; it is counted until it is dropped, upgraded or not.
pub(super) type Socket = tokio_rustls::server::TlsStream<Patient<Option<Permit>>>;

/// From `accept` to the end of the TLS handshake, a PROXY header included.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Without file descriptors, accepting is tried again after this.
const BACK_OFF: Duration = Duration::from_millis(100);
/// The kernel's own maximum is 4096 on Linux since 5.4.
const BACKLOG: i32 = 4096;
/// A peer that vanished is noticed after 15 s and three probes 5 s apart.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(15))
    .with_interval(Duration::from_secs(5))
    .with_retries(3);

/// Binds a listener; `[::]` takes IPv4 too.
pub fn bind(address: SocketAddr) -> io::Result<StdListener> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What a connection meets on its way in.
#[derive(Debug)]
pub struct Door {
    pub shards: Shards,
    pub guard: Arc<Guard>,
    pub certificates: Arc<Certificates>,
    pub forwarder: Arc<Forwarder>,
    pub serving: Serving,
    /// Load balancers whose PROXY header is believed; they must send one.
    pub balancers: ArcSwap<Vec<Cidr>>,
    /// Takes the connections of nodes.
    pub nodes: Arc<dyn TunnelPort>,
    pub metrics: Metrics,
}

impl Door {
    /// Accepts until `stop`.
    pub async fn run(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => self.admit(socket, peer),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections; trying again in {BACK_OFF:?}");
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        let handshake = match self.guard.handshake() {
            Ok(handshake) => handshake,
            Err(turned) => {
                self.metrics.turned_away(turned);
                return tracing::debug!(%peer, %turned, "connection closed");
            }
        };
        let deadline = Instant::now() + HANDSHAKE;
        let Ok(socket) = socket.into_std() else { return };
        let door = self.clone();
        let entering = async move { door.enter(socket, peer, deadline, handshake).await };
        self.serving.tasks.spawn_on(entering, self.shards.next().handle());
    }

    async fn enter(
        self: Arc<Self>,
        socket: std::net::TcpStream,
        peer: SocketAddr,
        deadline: Instant,
        handshake: Handshake,
    ) {
        let ready = || {
            let socket = TcpStream::from_std(socket)?;
            socket.set_nodelay(true)?;
            SockRef::from(&socket).set_tcp_keepalive(&KEEP_ALIVE)?;
            SockRef::from(&socket).set_tcp_user_timeout(Some(WRITE))?;
            io::Result::Ok(socket)
        };
        let Ok(socket) = ready() else { return };
        let believed = self.balancers.load().iter().any(|network| network.contains(peer.ip()));
        let greeting = greet(socket, peer, believed, &self);
        match tokio::time::timeout_at(deadline, greeting).await {
            Ok(Ok(Greeted::Client { socket, client })) => {
                drop(handshake);
                self.metrics.connected("https");
                let asker = Asker { client, trusted: false };
                let forwarder = self.forwarder.clone();
                let answer = move |request| {
                    let forwarder = forwarder.clone();
                    async move { forwarder.answer(request, asker).await }
                };
                serve(socket, self.serving.clone(), answer).await;
            }
            Ok(Ok(Greeted::TurnedAway { socket })) => {
                turn_away(socket, self.serving.clone(), deadline).await;
            }
            Ok(Ok(Greeted::Node { hello, remote })) => {
                // Past its deadline the handshake is dropped, and the connection with it.
                let _elapsed = tokio::time::timeout_at(deadline, self.nodes.take(hello, remote)).await;
                drop(handshake);
            }
            Ok(Ok(Greeted::Done)) => {}
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(%peer, "no TLS handshake within {HANDSHAKE:?}"),
        }
    }
}

/// Errors of `accept` that say something about the connection and nothing about the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionAborted | E::ConnectionReset | E::ConnectionRefused | E::Interrupted)
}
