//! How long a pump waits for something to move.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// How long a pump waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// One direction ended and the other is silent for this long: both end.
    pub half_closed: Duration,
    /// Bytes wait for a reader that takes none for this long: both end.
    pub write: Duration,
    /// Nothing moves in either direction for this long: both end. `None`: forever.
    pub idle: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { half_closed: Duration::from_secs(300), write: Duration::from_secs(60), idle: None }
    }
}

/// What one turn of the pump left behind.
pub(super) struct State {
    pub(super) moved: bool,
    pub(super) half_closed: bool,
    pub(super) waiting: bool,
}

/// Ends a pump that waits for too long. Looks only now and then, so a limit is kept to within half of the shortest.
#[derive(Debug)]
pub(super) struct Watch {
    patience: Patience,
    look: Pin<Box<Sleep>>,
    moved_at: Instant,
}

impl Watch {
    pub(super) fn new(patience: Patience) -> Self {
        let now = Instant::now();
        Self {
            patience,
            look: Box::pin(tokio::time::sleep_until(now + Self::pause(&patience))),
            moved_at: now,
        }
    }

    fn pause(patience: &Patience) -> Duration {
        let shortest = patience.half_closed.min(patience.write);
        patience.idle.map_or(shortest, |idle| idle.min(shortest)) / 2
    }

    /// Ready when a limit is reached.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, state: &State) -> Poll<()> {
        if state.moved {
            self.moved_at = Instant::now();
        }
        while self.look.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if self.patience.exceeded(now - self.moved_at, state) {
                return Poll::Ready(());
            }
            self.look.as_mut().reset(now + Self::pause(&self.patience));
        }
        Poll::Pending
    }
}

impl Patience {
    fn exceeded(&self, quiet: Duration, state: &State) -> bool {
        (state.half_closed && quiet >= self.half_closed)
            || (state.waiting && quiet >= self.write)
            || self.idle.is_some_and(|idle| quiet >= idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_what_waits_and_only_that() {
        let patience = Patience {
            half_closed: Duration::from_secs(300),
            write: Duration::from_secs(60),
            idle: Some(Duration::from_secs(900)),
        };
        let table = [
            // quiet s, half closed, waiting, exceeded
            (59, false, true, false),
            (60, false, true, true),
            (299, true, false, false),
            (300, true, false, true),
            (899, false, false, false),
            (900, false, false, true),
        ];
        for (quiet, half_closed, waiting, exceeded) in table {
            let state = State { moved: false, half_closed, waiting };
            assert_eq!(patience.exceeded(Duration::from_secs(quiet), &state), exceeded, "{quiet} s");
        }
    }
}
