//! A request's body on its way to the server: watched, so that a client cannot hold a stream by sending it slowly.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
    /// The stream is open; before that the body is asked once, for what is there, and no time counts.
    pub opened: AtomicBool,
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

/// Holds a body back until [`GoOn`] says so, or for [`GO_ON`]; for good when the server does not want it.
#[derive(Debug)]
struct Held {
    go_on: oneshot::Receiver<()>,
    timeout: Option<Pin<Box<Sleep>>>,
    unwanted: bool,
}

impl Upload {
    pub(super) fn new(body: Incoming, meter: Arc<Meter>) -> Self {
        meter.ended.store(body.is_end_stream(), Ordering::Relaxed);
        Self { body, meter, held: None, pace: Pace::default(), alarm: None }
    }

    /// Sends nothing until `go_on` says so or [`GO_ON`] has passed, and nothing at all once its sender is dropped:
    /// the server does not want the body.
    pub(super) fn hold(mut self, go_on: oneshot::Receiver<()>) -> Self {
        self.held = Some(Held { go_on, timeout: None, unwanted: false });
        self
    }

    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(held) = &mut self.held else { return Poll::Ready(()) };
        if !self.meter.opened.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        if !held.unwanted {
            let timeout = held.timeout.get_or_insert_with(|| Box::pin(sleep(GO_ON)));
            match Pin::new(&mut held.go_on).poll(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => held.unwanted = true,
                Poll::Pending => ready!(timeout.as_mut().poll(cx)),
            }
        }
        if held.unwanted {
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
            if !self.meter.opened.load(Ordering::Relaxed) {
                return Poll::Pending;
            }
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

/// Lets a held body go.
#[derive(Clone, Debug)]
pub(super) struct GoOn(Arc<Mutex<Option<oneshot::Sender<()>>>>);

impl GoOn {
    pub(super) fn new() -> (Self, oneshot::Receiver<()>) {
        let (go_on, told) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(go_on)))), told)
    }

    /// The server said `100 Continue`.
    pub(super) fn on_continue(&self, request: &mut Request<()>) {
        let go_on = self.clone();
        hyper::ext::on_informational(request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                go_on.say();
            }
        });
    }

    /// The server answered without it: a success still reads the body, an error does not want it.
    pub(super) fn on_answer(self, status: StatusCode) {
        if !status.is_client_error() && !status.is_server_error() {
            self.say();
        }
    }

    fn say(&self) {
        if let Some(go_on) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nobody listens any more when the body was let go after its second.
            let _already_gone = go_on.send(());
        }
    }
}
