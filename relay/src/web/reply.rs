//! The body of a response: a server's, streamed, or our own.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio_util::task::AbortOnDropHandle;

/// The connection inside the stream that a response comes from.
pub(super) type Exchange = AbortOnDropHandle<()>;

/// What a client is sent.
#[derive(Debug)]
pub(super) enum Reply {
    Own(Full<Bytes>),
    /// Dropped before its end, it takes the exchange with it.
    Server {
        body: Incoming,
        exchange: Option<Exchange>,
    },
}

impl Reply {
    pub(super) fn nothing() -> Self {
        Self::Own(Full::default())
    }

    pub(super) fn own(text: String) -> Self {
        Self::Own(Full::from(text))
    }

    pub(super) fn server(body: Incoming, exchange: Exchange) -> Self {
        let mut reply = Self::Server { body, exchange: Some(exchange) };
        reply.let_go_at_end();
        reply
    }

    /// A finished exchange ends on its own, in order.
    fn let_go_at_end(&mut self) {
        if let Self::Server { body, exchange } = self
            && body.is_end_stream()
            && let Some(exchange) = exchange.take()
        {
            drop(exchange.detach());
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Own(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Server { body, exchange } => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                match (&frame, exchange.take()) {
                    (None, Some(exchange)) => drop(exchange.detach()),
                    (_, kept) => *exchange = kept,
                }
                self.let_go_at_end();
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Server { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Server { body, .. } => body.size_hint(),
        }
    }
}
