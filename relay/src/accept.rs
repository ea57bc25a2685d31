//! Accepts TCP connections on a shard, many at a time, as bare sockets that no runtime has registered yet.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::SocketFlags;
use tokio::io::unix::AsyncFd;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Accepted in one go before other tasks of the shard get their turn.
const BATCH: usize = 64;
/// Without file descriptors or memory, accepting is tried again after this.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Accepts until `stop` and hands each connection to `take`, with the client's address. Runs on the shard that
/// `listener` is for.
pub(crate) async fn accept(
    listener: TcpListener,
    stop: CancellationToken,
    metrics: Metrics,
    mut take: impl FnMut(OwnedFd, SocketAddr),
) -> io::Result<()> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe for descriptors that close early; this one owns its own"
    )]
    let listener = AsyncFd::new(listener)?;
    let mut outage = Outage::default();
    loop {
        let mut ready = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            ready = listener.readable() => ready?,
        };
        for _ in 0..BATCH {
            match one(listener.get_ref()) {
                Ok(Some((socket, client))) => take(socket, client),
                Ok(None) => {
                    outage.ends();
                    ready.clear_ready();
                    break;
                }
                Err(error) => {
                    metrics.accept_failed();
                    outage.goes_on(&error);
                    tokio::time::sleep(BACK_OFF).await;
                    break;
                }
            }
        }
        // A listener that is always ready must not keep the shard's streams waiting.
        tokio::task::yield_now().await;
    }
}

/// While no connection can be accepted; those that come wait in the kernel's queue.
#[derive(Debug, Default)]
struct Outage(Option<Instant>);

impl Outage {
    /// Said once, however often it is tried.
    fn goes_on(&mut self, error: &io::Error) {
        if self.0.is_none() {
            self.0 = Some(Instant::now());
            tracing::error!(
                %error,
                "cannot accept connections, and tries every {BACK_OFF:?}; raise LimitNOFILE, or lower `limits.connections`"
            );
        }
    }

    /// Not before everybody who waited is in: at its limit a gateway takes one for each that leaves.
    fn ends(&mut self) {
        if let Some(since) = self.0.take() {
            tracing::warn!("accepts connections again after {:.1?}", since.elapsed());
        }
    }
}

/// `None`: nobody waits.
fn one(listener: &TcpListener) -> io::Result<Option<(OwnedFd, SocketAddr)>> {
    loop {
        match rustix::net::acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Ok((socket, address)) => {
                let client = address.and_then(|address| SocketAddr::try_from(address).ok());
                // Without an address it is no TCP connection, which cannot be.
                let Some(client) = client else { continue };
                return Ok(Some((socket, SocketAddr::new(client.ip().to_canonical(), client.port()))));
            }
            Err(Errno::AGAIN) => return Ok(None),
            // These say something about one connection, and nothing about the listener (accept(2)).
            Err(
                Errno::CONNABORTED
                | Errno::INTR
                | Errno::PROTO
                | Errno::PERM
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::OPNOTSUPP,
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
