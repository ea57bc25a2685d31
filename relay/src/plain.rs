//! A TCP port that leads to a plaintext address without a tunnel: from socket to socket, inside the kernel.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use config::HostPort;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::TraceId;
use tunnel::pump::Patience;
use tunnel::shard::Shards;

use crate::guard::{Guard, Permit};
use crate::listen::reset_on_close;
use crate::metrics::Metrics;
use crate::service::Believed;
use crate::splice;

/// What all connections of one port have in common.
#[derive(Debug)]
pub(crate) struct Plain {
    pub metrics: Metrics,
    pub shards: Shards,
    pub guard: Arc<Guard>,
    pub tasks: TaskTracker,
    /// Ends open connections.
    pub cut: CancellationToken,
    pub connect: HostPort,
    pub believed: Believed,
    /// Until when the other side must have accepted.
    pub open: Duration,
    pub patience: Patience,
}

impl Plain {
    /// Takes a connection that `shard` accepted; it stays there.
    pub(crate) fn take(self: &Arc<Self>, socket: OwnedFd, client: SocketAddr, shard: usize) {
        let balancer = self.believed.is_balancer(client);
        let permit = if balancer { None } else { self.admit(client) };
        if !balancer && permit.is_none() {
            return reset_on_close(&socket);
        }
        self.metrics.connected("plain");
        let relay = self.clone();
        self.tasks.spawn_on(relay.serve(socket, client, permit), self.shards.get(shard).handle());
    }

    fn admit(&self, client: SocketAddr) -> Option<Permit> {
        self.guard.connection(client.ip()).inspect_err(|turned| self.metrics.turned_away(*turned)).ok()
    }

    async fn serve(self: Arc<Self>, socket: OwnedFd, client: SocketAddr, permit: Option<Permit>) {
        let Some((near, far, permit)) = Box::pin(self.open(socket, client, permit)).await else { return };
        let relayed = tokio::select! {
            biased;
            () = self.cut.cancelled() => None,
            moved = splice::relay(&near, &far, self.patience) => Some(moved),
        };
        match relayed {
            Some(moved) if moved.is_orderly => self.metrics.moved(moved.to_far, moved.to_near),
            broken => {
                let moved = broken.map_or((0, 0), |moved| (moved.to_far, moved.to_near));
                self.metrics.moved(moved.0, moved.1);
                reset_on_close(&near);
                reset_on_close(&far);
            }
        }
        drop(permit);
    }

    async fn open(
        &self,
        socket: OwnedFd,
        peer: SocketAddr,
        mut permit: Option<Permit>,
    ) -> Option<(TcpStream, TcpStream, Option<Permit>)> {
        let mut near = TcpStream::from_std(socket.into()).ok()?;
        if permit.is_none() {
            let client = self.believed.client(&mut near, peer).await.ok();
            permit = client.and_then(|client| self.admit(client));
            if permit.is_none() {
                reset_on_close(&near);
                return None;
            }
        }
        let far = tokio::time::timeout(self.open, self.dial()).await;
        let error = match far {
            Ok(Ok(far)) => return Some((near, far, permit)),
            Ok(Err(error)) => error,
            Err(_) => std::io::ErrorKind::TimedOut.into(),
        };
        let trace = TraceId::random();
        tracing::info!(%trace, client = %peer, connect = %self.connect, %error, "connection refused");
        reset_on_close(&near);
        None
    }

    async fn dial(&self) -> std::io::Result<TcpStream> {
        let HostPort { host, port } = &self.connect;
        let far = match host.parse() {
            Ok(ip) => TcpStream::connect(SocketAddr::new(ip, *port)).await?,
            Err(_) => TcpStream::connect((host.as_str(), *port)).await?,
        };
        far.set_nodelay(true)?;
        Ok(far)
    }
}
