//! A request's body on its way to the server: watched, so that a client cannot hold a stream by sending it slowly.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

use super::pace::{LEAST_RATE, Pace};

/// A client that asked whether to go on is told so after this time, if the server says nothing (RFC 9110 §10.1.1).
const GO_ON: Duration = Duration::from_secs(1);

/// What others may know about a body under way.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub moved: AtomicU64,
    pub ended: AtomicBool,
    pub too_slow: AtomicBool,
}

/// Why a body stopped before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error("the client sends less than {LEAST_RATE} bytes a second")]
    TooSlow,
    #[error("the client broke off: {0}")]
    Client(#[from] hyper::Error),
}

/// The watched body.
#[derive(Debug)]
pub(super) struct Upload {
    body: Incoming,
    meter: Arc<Meter>,
    held: Option<Held>,
    pace: Pace,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// Holds a body back until the server said `100 Continue`, or for [`GO_ON`].
#[derive(Debug)]
struct Held {
    go_on: oneshot::Receiver<()>,
    timeout: Option<Pin<Box<Sleep>>>,
}

impl Upload {
    pub(super) fn new(body: Incoming, meter: Arc<Meter>) -> Self {
        meter.ended.store(body.is_end_stream(), Ordering::Relaxed);
        Self { body, meter, held: None, pace: Pace::default(), alarm: None }
    }

    /// Sends nothing until `go_on` resolves, or its sender is dropped, or [`GO_ON`] has passed.
    pub(super) fn hold(mut self, go_on: oneshot::Receiver<()>) -> Self {
        self.held = Some(Held { go_on, timeout: None });
        self
    }

    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(held) = &mut self.held else { return Poll::Ready(()) };
        let timeout = held.timeout.get_or_insert_with(|| Box::pin(sleep(GO_ON)));
        if Pin::new(&mut held.go_on).poll(cx).is_pending() && timeout.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.held = None;
        Poll::Ready(())
    }

    /// The client has nothing for us now: waits, but not for ever.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<UploadError> {
        self.pace.waits(Instant::now());
        loop {
            let left = self.pace.left(Instant::now());
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(left)));
            ready!(alarm.as_mut().poll(cx));
            self.alarm = None;
            if self.pace.too_slow(Instant::now()) {
                self.meter.too_slow.store(true, Ordering::Relaxed);
                return Poll::Ready(UploadError::TooSlow);
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        ready!(self.poll_held(cx));
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return self.poll_alarm(cx).map(|error| Some(Err(error)));
        };
        let bytes = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
            Some(Err(_)) => 0,
            None => {
                self.meter.ended.store(true, Ordering::Relaxed);
                0
            }
        };
        self.pace.got(Instant::now(), bytes);
        self.meter.moved.fetch_add(bytes, Ordering::Relaxed);
        if self.body.is_end_stream() {
            self.meter.ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(UploadError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Tells `go_on` when the server says `100 Continue`.
pub(super) fn on_continue(request: &mut Request<()>, go_on: oneshot::Sender<()>) {
    let go_on = std::sync::Mutex::new(Some(go_on));
    hyper::ext::on_informational(request, move |response| {
        let told = go_on.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if response.status() == StatusCode::CONTINUE
            && let Some(go_on) = told
        {
            // Nobody listens any more when the body was let go after its second.
            let _already_gone = go_on.send(());
        }
    });
}
