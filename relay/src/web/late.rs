//! A stream that is opened after it is first written to, so that a request's head leaves in the same flight as the
//! preamble. hyper writes to it at once; what it writes first is caught, and goes to the router as the first payload.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tunnel::Stream;

/// Caught at most, and kept for another way until the answer comes: the head of a request with its cookies and a small
/// body. The rest waits.
const FIRST: usize = 16 * 1024;

/// Stands for a stream before it is open, and is that stream from then on.
#[derive(Debug)]
pub(super) enum Late {
    Awaited { caught: Option<oneshot::Sender<Bytes>>, stream: oneshot::Receiver<Stream> },
    Open(Stream),
}

impl Late {
    /// With what it caught first, and where its stream is to be put.
    pub(super) fn new() -> (Self, oneshot::Receiver<Bytes>, oneshot::Sender<Stream>) {
        let ((caught, first), (open, stream)) = (oneshot::channel(), oneshot::channel());
        (Self::Awaited { caught: Some(caught), stream }, first, open)
    }

    /// The stream, if it was put here.
    pub(super) fn into_stream(self) -> Option<Stream> {
        match self {
            Self::Open(stream) => Some(stream),
            Self::Awaited { .. } => None,
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut Stream>>> {
        if let Self::Awaited { stream, .. } = self {
            let opened = ready!(Pin::new(stream).poll(cx));
            // The other end is dropped when no way was found; whoever dropped it knows why.
            *self = Self::Open(opened.map_err(|_| io::ErrorKind::NotConnected)?);
        }
        match self {
            Self::Open(stream) => Poll::Ready(Ok(Pin::new(stream))),
            Self::Awaited { .. } => Poll::Pending,
        }
    }
}

impl AsyncRead for Late {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Late {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Self::Awaited { caught, .. } = &mut *self
            && let Some(caught) = caught.take()
        {
            let now = &buf[..buf.len().min(FIRST)];
            // Nobody waits for it any more when the client is gone; then this is dropped too.
            let _gone = caught.send(Bytes::copy_from_slice(now));
            return Poll::Ready(Ok(now.len()));
        }
        ready!(self.poll_open(cx))?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_shutdown(cx)
    }
}
