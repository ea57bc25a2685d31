//! When to try QUIC again while TLS carries the tunnels.

use tokio::time::Instant;

use std::time::Duration;

/// Pauses between tries; the last one repeats. A network that lost UDP for a bad minute has it back soon; one that
/// blocks it blocks it for long.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
];

/// Counts the tries since TLS took over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    tries: usize,
    at: Instant,
}

impl Probe {
    /// TLS took over now. `roll` is in `0.0..1.0`.
    pub(crate) fn start(now: Instant, roll: f64) -> Self {
        Self { tries: 0, at: now + Self::pause(0, roll) }
    }

    /// The try that was due has failed.
    pub(crate) fn failed(&mut self, now: Instant, roll: f64) {
        self.tries = (self.tries + 1).min(PAUSES.len() - 1);
        self.at = now + Self::pause(self.tries, roll);
    }

    /// When the next try is due.
    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// A fifth more or less, so that nodes that lost UDP together do not try together.
    fn pause(tries: usize, roll: f64) -> Duration {
        PAUSES[tries].mul_f64(0.8 + 0.4 * roll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_minutes_and_stay() {
        let mut now = Instant::now();
        let mut probe = Probe::start(now, 0.5);
        for seconds in [30, 60, 120, 300, 600, 600, 600] {
            assert_eq!(probe.at().duration_since(now).as_secs_f64().round(), f64::from(seconds));
            now = probe.at();
            probe.failed(now, 0.5);
        }
    }

    #[test]
    fn tries_are_spread() {
        let now = Instant::now();
        let wait = |roll| Probe::start(now, roll).at().duration_since(now).as_secs_f64();
        assert!((wait(0.0) - 24.0).abs() < 0.001 && (wait(1.0) - 36.0).abs() < 0.001);
    }
}
