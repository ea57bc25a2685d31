//! The body of a response: a server's, streamed, or our own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio_util::task::AbortOnDropHandle;
use tunnel::TraceId;

use super::answer::Problem;
use super::stall;
use super::upload::Meter;
use crate::metrics::Metrics;

/// The connection inside the stream that a response comes from.
pub(super) type Exchange = AbortOnDropHandle<()>;

/// What a client is sent.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every reply is the large one; a box would cost each an allocation"
)]
pub(super) enum Reply {
    Own(Full<Bytes>),
    /// Dropped before its end, it takes the exchange with it.
    Server {
        body: Incoming,
        exchange: Option<Exchange>,
        tally: Tally,
    },
}

/// Counts the bytes of one exchange when it is over.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) metrics: Metrics,
    pub(super) up: Arc<Meter>,
    pub(super) down: u64,
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.metrics.moved(self.up.moved.load(Ordering::Relaxed), self.down);
    }
}

impl Reply {
    pub(super) fn nothing() -> Self {
        Self::Own(Full::default())
    }

    fn own(text: String) -> Self {
        Self::Own(Full::from(text))
    }

    pub(super) fn server(body: Incoming, exchange: Exchange, tally: Tally) -> Self {
        let mut reply = Self::Server { body, exchange: Some(exchange), tally };
        reply.let_go_at_end();
        reply
    }

    /// A finished exchange ends on its own, in order.
    fn let_go_at_end(&mut self) {
        if let Self::Server { body, exchange, .. } = self
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
            Self::Server { body, exchange, tally } => {
                let polled = Pin::new(body).poll_frame(cx);
                stall::note(polled.is_ready());
                let frame = ready!(polled);
                if let Some(Ok(frame)) = &frame {
                    tally.down += frame.data_ref().map_or(0, Bytes::len) as u64;
                }
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

/// An answer of our own, without its text to a HEAD.
pub(super) fn refusal(problem: &Problem, html: bool, head: bool, trace: TraceId) -> Response<Reply> {
    problem.answer(html, trace).map(|text| if head { Reply::nothing() } else { Reply::own(text) })
}

/// 308 keeps the method. The location is a path of ours, so it leads nowhere else.
pub(super) fn redirect(location: &str) -> Response<Reply> {
    let mut response = Response::new(Reply::Own(Full::default()));
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, HeaderValue::try_from(location).expect("was a uri"));
    response
}
