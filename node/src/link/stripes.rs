//! How many tunnels to keep to one gateway.
//!
//! One QUIC connection is one core on each side and one share of the path. A node that carries streams keeps several,
//! on different shards; an idle one keeps one, so that a thousand idle nodes cost their gateway little.

use tokio::time::Instant;

use std::time::Duration;

/// Extra tunnels go when no stream was open for this long.
const LINGER: Duration = Duration::from_secs(300);

/// Decides how many tunnels are wanted, from what it is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stripes {
    busy: usize,
    last_stream: Option<Instant>,
}

impl Stripes {
    /// For a machine with so many cores: 2 to 4 tunnels when busy.
    pub(crate) fn for_cores(cores: usize) -> Self {
        Self { busy: cores.clamp(2, 4), last_stream: None }
    }

    /// Notes how many streams are open now, and says how many tunnels are wanted.
    pub(crate) fn wanted(&mut self, open_streams: usize, now: Instant) -> usize {
        if open_streams > 0 {
            self.last_stream = Some(now);
        }
        match self.last_stream {
            Some(last) if now.saturating_duration_since(last) < LINGER => self.busy,
            _ => 1,
        }
    }

    /// When the answer can change although no stream opens.
    pub(crate) fn review_at(&self) -> Option<Instant> {
        self.last_stream.map(|last| last + LINGER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_follow_the_streams() {
        let start = Instant::now();
        let mut stripes = Stripes::for_cores(8);
        let table = [
            // second, open streams, tunnels wanted
            (0, 0, 1),
            (10, 1, 4),
            (20, 500, 4),
            (30, 0, 4),
            (319, 0, 4),
            (320, 0, 1),
            (900, 0, 1),
            (901, 1, 4),
            (1200, 0, 4),
            (1201, 0, 1),
        ];
        for (second, open, wanted) in table {
            let now = start + Duration::from_secs(second);
            assert_eq!(stripes.wanted(open, now), wanted, "at {second} s");
        }
    }

    #[test]
    fn a_small_machine_has_two_and_a_large_one_four() {
        for (cores, busy) in [(0, 2), (1, 2), (2, 2), (3, 3), (4, 4), (128, 4)] {
            assert_eq!(Stripes::for_cores(cores).wanted(1, Instant::now()), busy, "{cores} cores");
        }
    }
}
