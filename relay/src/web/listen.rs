//! The door for clients: accepts, counts, and hands each connection to a shard before a byte of it is read.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tunnel::shard::Shards;
use tunnel::tls::Acceptor;

use super::certificates::Certificates;
use super::forward::Forwarder;
use super::greet::{Greeted, Peer, greet};
use super::patient::{Patient, WRITE};
use super::serve::{Serving, serve};
use super::turned::turn_away;
use crate::accept::accept;
use crate::guard::{Guard, Handshake, Permit};
use crate::metrics::Metrics;
use crate::settings::Cidr;

/// A client's connection; it is counted until it is dropped, upgraded or not.
pub(super) type Socket = tokio_rustls::server::TlsStream<Patient<Option<Permit>>>;

/// From `accept` to the end of the TLS handshake, a PROXY header included.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A peer that vanished is noticed after 15 s and three probes 5 s apart.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(15))
    .with_interval(Duration::from_secs(5))
    .with_retries(3);

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
    pub nodes: Arc<Acceptor>,
    pub metrics: Metrics,
}

impl Door {
    /// Accepts on `listeners`, one for each shard, until the gateway drains; the tasks that do so.
    pub(super) fn open(self: &Arc<Self>, listeners: Vec<TcpListener>) -> io::Result<TaskTracker> {
        let accepting = TaskTracker::new();
        for (shard, listener) in self.shards.iter().zip(listeners) {
            // Accepted sockets inherit these.
            SockRef::from(&listener).set_tcp_keepalive(&KEEP_ALIVE)?;
            SockRef::from(&listener).set_tcp_user_timeout(Some(WRITE))?;
            let (door, stop, metrics) = (self.clone(), self.serving.drain.clone(), self.metrics.clone());
            let accepted = async move {
                let take = |socket, peer| door.admit(socket, peer);
                if let Err(error) = accept(listener, stop, metrics, take).await {
                    tracing::error!(%error, "no more clients are accepted on this shard");
                }
            };
            accepting.spawn_on(accepted, shard.handle());
        }
        accepting.close();
        Ok(accepting)
    }

    /// Runs on the shard that accepted, and does not wait.
    fn admit(self: &Arc<Self>, socket: OwnedFd, peer: SocketAddr) {
        let believed = self.balancers.load().iter().any(|network| network.contains(peer.ip()));
        let handshake = match self.guard.handshake((!believed).then_some(peer.ip())) {
            Ok(handshake) => handshake,
            Err(turned) => {
                self.metrics.turned_away(turned);
                return tracing::debug!(%peer, %turned, "connection closed");
            }
        };
        let deadline = Instant::now() + HANDSHAKE;
        // A socket that the runtime cannot take is closed; that happens without memory only.
        let Ok(socket) = TcpStream::from_std(socket.into()) else { return };
        self.serving.tasks.spawn(self.clone().enter(
            socket,
            Peer { address: peer, believed },
            deadline,
            handshake,
        ));
    }

    async fn enter(self: Arc<Self>, socket: TcpStream, peer: Peer, deadline: Instant, handshake: Handshake) {
        let greeting = greet(socket, peer, &self);
        let peer = peer.address;
        match tokio::time::timeout_at(deadline, greeting).await {
            Ok(Ok(Greeted::Client { socket, client })) => {
                drop(handshake);
                self.metrics.connected("https");
                let forwarder = self.forwarder.clone();
                let answer = move |request| {
                    let forwarder = forwarder.clone();
                    async move { forwarder.answer(request, client).await }
                };
                serve(socket, self.serving.clone(), self.forwarder.write(), answer).await;
            }
            Ok(Ok(Greeted::TurnedAway { socket })) => {
                turn_away(socket, self.serving.clone(), deadline).await;
            }
            Ok(Ok(Greeted::Node { hello })) => {
                if let Err(error) = self.nodes.accept(hello).await {
                    tracing::debug!(%peer, %error, "no connection of a node");
                }
            }
            Ok(Ok(Greeted::Done)) => {}
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(%peer, "no TLS handshake within {HANDSHAKE:?}"),
        }
    }
}
