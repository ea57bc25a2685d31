//! When to dial again after a failure.

use std::time::Duration;

use tokio::time::Instant;

/// A short absence is waited for at most this long: nodes that hear of a restart at once come back spread over it.
const SHORT: Duration = Duration::from_secs(1);
/// And no delay is longer: with a handshake of at most 5 s and one failed attempt, every node is back 30 s after its
/// gateway.
const LONGEST: Duration = Duration::from_secs(15);
/// Less is a busy loop with a gateway that refuses at once.
const LEAST: Duration = Duration::from_millis(20);
/// A refusal that only a person can lift is asked about this often.
const REFUSED: Duration = Duration::from_secs(60);
/// A tunnel that lived this long ends a row of failures.
const STABLE: Duration = Duration::from_secs(30);

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row {
    began: Option<Instant>,
    over: Option<Instant>,
}

impl Row {
    /// A tunnel is there; if it lives, the row is over.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.over.get_or_insert(now + STABLE);
    }

    /// How long to wait after a failure that came now. `roll` is in `0.0..1.0`.
    pub(crate) fn failed(&mut self, now: Instant, roll: f64) -> Duration {
        if let Some(over) = self.over.take() {
            self.began = Some(now);
            // A gateway that was there for a moment only is asked a little later.
            return delay(if over <= now { SHORT } else { 2 * SHORT }, roll);
        }
        let began = *self.began.get_or_insert(now);
        delay(now.saturating_duration_since(began), roll)
    }
}

/// Full jitter: anything between nothing and the time that the gateway has been away, so that waiting no more than doubles
/// it. Counted by attempts, which take up to 5 s each, a bound that began at 200 ms was still short after half a minute:
/// all nodes were dialling when their gateway came back, and came in together with their next retransmission
/// (docs/simulation.md, "Values").
pub(crate) fn delay(away: Duration, roll: f64) -> Duration {
    LEAST.max(away.clamp(SHORT, LONGEST).mul_f64(roll))
}

/// After a refusal that does not pass by itself: 45 to 75 s.
pub(crate) fn refused(roll: f64) -> Duration {
    REFUSED.mul_f64(0.75 + roll / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bound_is_the_time_away_from_one_to_fifteen_seconds() {
        for (away, bound) in [(0, 1_000), (900, 1_000), (3_000, 3_000), (14_000, 14_000), (3_600_000, 15_000)]
        {
            let longest = delay(Duration::from_millis(away), 0.999_999);
            assert!(longest <= Duration::from_millis(bound), "{away}: {longest:?}");
            assert!(longest >= Duration::from_millis(bound - 1), "{away}: {longest:?}");
        }
    }

    #[test]
    fn a_row_ends_with_a_tunnel_that_lived() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut row = Row::default();
        assert_eq!(row.failed(start, 0.5), SHORT / 2);
        assert_eq!(row.failed(start + 8 * second, 0.5), 4 * second);
        row.connected(start + 10 * second);
        assert_eq!(row.failed(start + 14 * second, 0.5), SHORT, "it lived for 4 s only");
        assert_eq!(row.failed(start + 18 * second, 0.5), 2 * second);
        row.connected(start + 20 * second);
        row.connected(start + 49 * second);
        assert_eq!(row.failed(start + 50 * second, 0.5), SHORT / 2, "the first one lived");
    }

    #[test]
    fn a_thousand_nodes_come_back_spread_out() {
        let mut delays: Vec<Duration> = (0..1000).map(|i| delay(LONGEST, f64::from(i) / 1000.0)).collect();
        delays.dedup();
        let busiest = delays.windows(100).map(|window| window[99] - window[0]).min().unwrap();
        assert!(busiest > Duration::from_secs(1), "100 nodes within {busiest:?}");
    }

    proptest! {
        #[test]
        fn every_delay_is_within_its_bounds(away: u32, roll in 0.0..1.0) {
            let delay = delay(Duration::from_millis(away.into()), roll);
            prop_assert!(delay >= Duration::from_millis(20) && delay <= LONGEST);
            let refused = refused(roll);
            prop_assert!(refused >= Duration::from_secs(45) && refused <= Duration::from_secs(75));
        }
    }
}
