//! Delay that wanders. Real delay changes with queues elsewhere, so neighbouring packets see nearly the same, and a
//! later packet does not overtake an earlier one. Drawing for each packet alone gives either reordering or, kept in
//! order, always the longest delay.

use std::time::Duration;

use rand::{Rng, RngExt};

/// A line through points that are drawn uniformly from 0 to the jitter, `2 × jitter` apart. It falls by half the time
/// that passes at most, so packets stay in order, and bunch to at most twice the link's rate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wander {
    from: (Duration, Duration),
    to: (Duration, Duration),
}

impl Wander {
    /// The additional delay at `now`; `now` does not decrease from call to call.
    pub(super) fn at(&mut self, now: Duration, jitter: Duration, rng: &mut (impl Rng + ?Sized)) -> Duration {
        if jitter.is_zero() {
            return Duration::ZERO;
        }
        let step = jitter * 2;
        if now >= self.to.0 {
            // After a pause the line goes on from here; what it did meanwhile nobody saw.
            let seen = now < self.to.0 + step;
            self.from = if seen { self.to } else { (now, draw(jitter, rng)) };
            self.to = (self.from.0 + step, draw(jitter, rng));
        }
        let (start, low) = (self.from.0, self.from.1.as_secs_f64());
        let part = (now.saturating_sub(start)).as_secs_f64() / (self.to.0 - start).as_secs_f64();
        // The points may be of a model that wandered farther.
        Duration::from_secs_f64((low + (self.to.1.as_secs_f64() - low) * part).max(0.0)).min(jitter)
    }
}

fn draw(jitter: Duration, rng: &mut (impl Rng + ?Sized)) -> Duration {
    jitter.mul_f64(rng.random::<f64>())
}
