//! A client's socket that gives up on a reader who takes nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// Unacknowledged for this long, what was sent ends the connection; `limits.write` unless it says otherwise.
pub(super) const WRITE: Duration = Duration::from_secs(60);

/// The socket, and what lives as long as it does.
#[derive(Debug)]
pub(super) struct Patient<G> {
    socket: TcpStream,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    _guard: G,
}

impl<G> Patient<G> {
    /// `guard` counts the connection until the socket is dropped, upgraded or not.
    pub(super) fn new(socket: TcpStream, patience: Duration, guard: G) -> Self {
        Self { socket, patience, stalled: None, _guard: guard }
    }

    fn judge<T>(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.stalled = None;
            return wrote;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<G: Unpin> AsyncRead for Patient<G> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<G: Unpin> AsyncWrite for Patient<G> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.judge(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.judge(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_reads_nothing_is_left_and_who_reads_slowly_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let (idle, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut idle, (socket, _)) = (idle.expect("connects"), accepted.expect("accepts"));
        let patience = Duration::from_millis(300);
        let mut patient = Patient::new(socket, patience, ());
        let began = Instant::now();
        let mut slow = [0; 65_536];
        let reading = async {
            // Three pauses, each shorter than the patience.
            for _ in 0..3 {
                sleep(patience / 2).await;
                while tokio::time::timeout(patience / 10, tokio::io::AsyncReadExt::read(&mut idle, &mut slow))
                    .await
                    .is_ok()
                {}
            }
        };
        let writing = async {
            let chunk = vec![0; 1 << 20];
            loop {
                if let Err(error) = patient.write_all(&chunk).await {
                    return error;
                }
            }
        };
        let (error, ()) = tokio::join!(writing, async {
            tokio::time::timeout(patience * 4, reading).await.ok();
        });
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() > patience * 2, "{:?}", began.elapsed());
    }
}
