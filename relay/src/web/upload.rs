//! A request's body on its way to the server: watched, so that a client cannot hold a stream by sending it slowly.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

/// In each window of waiting for the client at least this much must come: 1 kB a second. Waiting for the server does
/// not count.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
pub(super) const LEAST_RATE: u64 = 1000;
const LEAST: u64 = LEAST_RATE * WINDOW.as_secs();

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

/// How fast the client sends while we wait for it.
#[derive(Debug, Default)]
struct Pace {
    since: Option<Instant>,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn waits(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    fn got(&mut self, now: Instant, bytes: u64) {
        if let Some(since) = self.since.take() {
            self.waited += now - since;
        }
        self.bytes += bytes;
    }

    fn waited(&self, now: Instant) -> Duration {
        self.waited + self.since.map_or(Duration::ZERO, |since| now - since)
    }

    /// Until the end of this window.
    fn left(&self, now: Instant) -> Duration {
        WINDOW.saturating_sub(self.waited(now))
    }

    /// At the end of a window: whether too little came in it. Else a new one begins.
    fn too_slow(&mut self, now: Instant) -> bool {
        if self.waited(now) < WINDOW {
            return false;
        }
        let too_little = self.bytes < LEAST;
        *self = Self { since: Some(now), waited: Duration::ZERO, bytes: 0 };
        too_little
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_waiting_for_the_client_counts() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        // Waits from 0 to 4 s for 100 bytes, is then held up by the server, waits again from 100 s.
        let mut pace = Pace::default();
        pace.waits(at(0));
        pace.got(at(4000), 100);
        assert_eq!(pace.left(at(99_000)), Duration::from_secs(6));
        pace.waits(at(100_000));
        assert!(!pace.too_slow(at(105_999)));
        assert!(pace.too_slow(at(106_000)));
    }

    #[test]
    fn each_window_needs_its_bytes() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.waits(start);
        pace.got(start + Duration::from_secs(1), LEAST);
        pace.waits(start + Duration::from_secs(1));
        assert!(!pace.too_slow(start + WINDOW), "enough came");
        assert!(pace.too_slow(start + 2 * WINDOW), "but nothing after it");
    }
}
