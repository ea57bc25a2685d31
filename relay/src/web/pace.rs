//! How slowly a client may send. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// In each window of waiting for the client at least this much must come: 1 kB a second. Waiting for the server does
/// not count.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
pub(super) const LEAST_RATE: u64 = 1000;
const LEAST: u64 = LEAST_RATE * WINDOW.as_secs();

/// How fast the client sends while we wait for it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    since: Option<Instant>,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(super) fn waits(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    pub(super) fn got(&mut self, now: Instant, bytes: u64) {
        if let Some(since) = self.since.take() {
            self.waited += now - since;
        }
        self.bytes += bytes;
    }

    fn waited(&self, now: Instant) -> Duration {
        self.waited + self.since.map_or(Duration::ZERO, |since| now - since)
    }

    /// Until the end of this window.
    pub(super) fn left(&self, now: Instant) -> Duration {
        WINDOW.saturating_sub(self.waited(now))
    }

    /// At the end of a window: whether too little came in it. Else a new one begins.
    pub(super) fn too_slow(&mut self, now: Instant) -> bool {
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
