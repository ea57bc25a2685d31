//! Sharing a queue with somebody who fills it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn_proto::congestion::{Controller, Cubic, CubicConfig};

/// Of the window, when the queue was full (CUBIC's factor, RFC 9438 §4.6).
pub(super) const CUT: f64 = 0.7;
/// Rounds that must all have a queue in them before it is taken to stand.
const RIVAL: u8 = 8;
/// Of the window at which the queue overflowed: what leaves it empty.
const RESTED: f64 = 0.9;
/// A smaller difference between two mean round-trip times is chance.
const SHOWS: Duration = Duration::from_micros(500);

/// How the queue is shared with somebody who fills it.
#[derive(Clone, Debug)]
pub(super) struct Rival {
    pub(super) cubic: Box<Cubic>,
    /// The window at which the queue last overflowed; 0: it did not yet.
    full: u64,
    rounds: u8,
    /// Rounds since the window was last cut.
    since: u8,
    /// The last look made the window larger.
    rises: bool,
}

impl Rival {
    /// CUBIC as if its window had just been reduced to `window`.
    pub(super) fn new(now: Instant, window: f64, mtu: u64, full: u64) -> Self {
        let mut config = CubicConfig::default();
        config.initial_window((window / CUT) as u64);
        let mut cubic = Box::new(Cubic::new(Arc::new(config), now, mtu as u16));
        cubic.on_congestion_event(now, now, false, 0);
        Self { cubic, full, rounds: RIVAL, since: 0, rises: false }
    }

    /// The queue overflowed.
    pub(super) fn fall(&mut self, now: Instant) {
        self.full = self.cubic.window();
        self.since = 0;
        self.cubic.on_congestion_event(now, now, false, 0);
    }

    /// Bytes of everybody on the way, after a look with a window of `looked`: a queue of all windows together makes round trips
    /// longer in proportion, so what was taken from ours shows how much the rest is. Infinite when that does not show.
    pub(super) fn all_under_way(&self, looked: u64, rtt_before: Duration, rtt: Duration) -> f64 {
        let fell = rtt_before.saturating_sub(rtt);
        if fell < SHOWS {
            return f64::INFINITY;
        }
        self.cubic.window().saturating_sub(looked) as f64 * rtt_before.as_secs_f64() / fell.as_secs_f64()
    }

    /// CUBIC takes a minute to share a long queue with who was there first. So of what `all` have under way ours gets no less than
    /// a third and no more than two thirds, in steps of no more than twice.
    pub(super) fn fair(self, now: Instant, all: f64, mtu: u64) -> Self {
        let window = self.cubic.window() as f64;
        let wanted = window.clamp(all / 3.0, all / 1.5).min(2.0 * window);
        let rises = wanted > window;
        let rival = if wanted == window { self } else { Self::new(now, wanted, mtu, self.full) };
        Self { rises, ..rival }
    }

    /// The last look gave ours more: another may show that it is still too little.
    pub(super) fn rises(&self) -> bool {
        self.rises
    }

    /// A round ended; true when it was the last of [`RIVAL`].
    pub(super) fn count(&mut self) -> bool {
        self.since = self.since.saturating_add(1);
        self.rounds = if self.rounds > 1 { self.rounds - 1 } else { RIVAL };
        self.rounds == RIVAL
    }

    /// The window is well below where the queue overflows, and what is acknowledged was sent with it.
    pub(super) fn rested(&self) -> bool {
        self.since >= 2 && (self.cubic.window() as f64) < RESTED * self.full as f64
    }

    /// The window is back where the queue was full when it fell.
    pub(super) fn recovered(&self) -> bool {
        self.cubic.window() >= self.full
    }
}
