//! Accepts TCP connections on a shard, many at a time, as bare sockets that no runtime has registered yet.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::SocketFlags;
use tokio::io::unix::AsyncFd;
use tokio_util::sync::CancellationToken;

/// Accepted in one go before other tasks of the shard get their turn.
const BATCH: usize = 64;
/// Without file descriptors or memory, accepting is tried again after this.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Accepts until `stop` and hands each connection to `take`, with the client's address. Runs on the shard that
/// `listener` is for.
pub(crate) async fn accept(
    listener: TcpListener,
    stop: CancellationToken,
    mut take: impl FnMut(OwnedFd, SocketAddr),
) -> io::Result<()> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe for descriptors that close early; this one owns its own"
    )]
    let listener = AsyncFd::new(listener)?;
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
                    ready.clear_ready();
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections; trying again in {BACK_OFF:?}");
                    tokio::time::sleep(BACK_OFF).await;
                    break;
                }
            }
        }
        // A listener that is always ready must not keep the shard's streams waiting.
        tokio::task::yield_now().await;
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
