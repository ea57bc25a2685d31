//! Sharing a queue with somebody who fills it.

use std::sync::Arc;
use std::time::Instant;

use quinn_proto::congestion::{Controller, Cubic, CubicConfig};

/// Of the window, when the queue was full (CUBIC's factor, RFC 9438 §4.6).
pub(super) const CUT: f64 = 0.7;
/// Rounds that must all have a queue in them before it is taken to stand.
const RIVAL: u8 = 8;

/// How the queue is shared with somebody who fills it.
#[derive(Clone, Debug)]
pub(super) struct Rival {
    pub(super) cubic: Box<Cubic>,
    /// The window at which the queue last overflowed; 0: it did not yet.
    full: u64,
    rounds: u8,
}

impl Rival {
    /// CUBIC as if its window had just been reduced to `window`.
    pub(super) fn new(now: Instant, window: f64, mtu: u64, full: u64) -> Self {
        let mut config = CubicConfig::default();
        config.initial_window((window / CUT) as u64);
        let mut cubic = Box::new(Cubic::new(Arc::new(config), now, mtu as u16));
        cubic.on_congestion_event(now, now, false, 0);
        Self { cubic, full, rounds: RIVAL }
    }

    /// The queue overflowed.
    pub(super) fn fall(&mut self, now: Instant) {
        self.full = self.cubic.window();
        self.cubic.on_congestion_event(now, now, false, 0);
    }

    /// A round ended; true when it was the last of [`RIVAL`].
    pub(super) fn count(&mut self) -> bool {
        self.rounds = if self.rounds > 1 { self.rounds - 1 } else { RIVAL };
        self.rounds == RIVAL
    }

    /// The window is back where the queue was full when it fell.
    pub(super) fn recovered(&self) -> bool {
        self.cubic.window() >= self.full
    }
}
