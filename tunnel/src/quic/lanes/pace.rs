//! Whether a reader is held back by its window.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits;

/// Below this a window holds nobody back: 2 MiB in 4 ms are 4 Gbit/s.
const SHORT: Duration = Duration::from_millis(4);
/// Windows in a row that were read in two round trips each.
const FULL: u8 = 2;

/// Counts in windows of the stream.
#[derive(Debug, Default)]
pub(in crate::quic) struct Pace {
    since: Option<Instant>,
    /// Bytes of the current window.
    read: u64,
    full: u8,
}

impl Pace {
    /// `bytes` more were read; true when the window is the bottleneck. Half of it in every round trip is what is left of
    /// a window whose credit is given back in eighths, and an idle or slow reader is far from it.
    pub(in crate::quic) fn is_held_back(
        &mut self,
        bytes: u64,
        now: impl FnOnce() -> Instant,
        rtt: impl FnOnce() -> Duration,
    ) -> bool {
        self.read += bytes;
        if self.since.is_some() && self.read < u64::from(limits::WINDOW_STREAM) {
            return false;
        }
        let now = now();
        if let Some(since) = self.since.replace(now) {
            let rtt = rtt();
            let fast = rtt >= SHORT && now - since <= 2 * rtt;
            self.full = if fast { self.full + 1 } else { 0 };
        }
        self.read = 0;
        if self.full < FULL {
            return false;
        }
        self.full = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a window in every `each`; tells after how many it was held back.
    fn held_back(each: Duration, rtt: Duration) -> Option<u32> {
        let (start, mut pace) = (Instant::now(), Pace::default());
        let chunk = u64::from(limits::WINDOW_STREAM) / 4;
        assert!(!pace.is_held_back(chunk, || start, || rtt));
        (1..=20).find(|number| {
            let at = start + each * *number / 4;
            pace.is_held_back(chunk, || at, || rtt)
        })
    }

    #[test]
    fn only_a_window_in_two_round_trips_is_the_bottleneck() {
        let ms = Duration::from_millis;
        assert_eq!(held_back(ms(100), ms(80)), Some(8), "after the second window");
        assert_eq!(held_back(ms(200), ms(80)), None, "a slow reader or path");
        assert_eq!(held_back(ms(1), ms(1)), None, "a short way");
    }
}
