//! One direction of a member's way to the broker.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Nothing passes, and nobody knows yet.
    Stalled,
    /// Both ends know.
    Broken,
}

type Arrival = Box<dyn FnOnce() + Send>;

/// In order, each thing a delay after it was sent.
#[derive(Debug)]
pub(crate) struct Lane {
    delay: Duration,
    sent: mpsc::UnboundedSender<(Instant, Arrival)>,
    _task: AbortOnDropHandle<()>,
}

impl Lane {
    pub(crate) fn new(delay: Duration, way: watch::Receiver<Way>) -> Self {
        let (sent, waiting) = mpsc::unbounded_channel();
        Self { delay, sent, _task: AbortOnDropHandle::new(tokio::spawn(carry(waiting, way))) }
    }

    /// `arrive` happens at the other end, if it gets there.
    pub(crate) fn send(&self, arrive: impl FnOnce() + Send + 'static) {
        let due = Instant::now() + self.delay;
        self.sent.send((due, Box::new(arrive))).expect("the lane's task ends with it");
    }
}

async fn carry(mut waiting: mpsc::UnboundedReceiver<(Instant, Arrival)>, mut way: watch::Receiver<Way>) {
    while let Some((due, arrive)) = waiting.recv().await {
        tokio::time::sleep_until(due).await;
        match way.wait_for(|way| *way != Way::Stalled).await.as_deref() {
            Ok(Way::Open) => arrive(),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
