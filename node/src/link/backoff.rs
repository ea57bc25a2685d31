//! When to dial again after a failure.

use std::time::Duration;

/// The first delay is at most this.
const FIRST: Duration = Duration::from_secs(1);
/// From one failure to the next: an attempt takes up to 5 s, and a fleet that spends its time in attempts comes back with
/// the next retransmission, all at once.
const GROWTH: u32 = 4;
/// Less is a busy loop with a gateway that refuses at once.
const LEAST: Duration = Duration::from_millis(20);
/// And no delay is longer: with a handshake of at most 5 s and one failed attempt, every node is back 30 s after its
/// gateway.
const LONGEST: Duration = Duration::from_secs(15);
/// A refusal that only a person can lift is asked about this often.
const REFUSED: Duration = Duration::from_secs(60);
/// A tunnel that lived this long ends a row of failures.
pub(crate) const STABLE: Duration = Duration::from_secs(30);

/// Full jitter: anything between nothing and the bound, which grows with each failure in a row (0 is the first).
/// `roll` is in `0.0..1.0`; nodes that lost their gateway at the same moment come back spread over the bound.
pub(crate) fn delay(failures: u32, roll: f64) -> Duration {
    let bound = FIRST.saturating_mul(GROWTH.saturating_pow(failures)).min(LONGEST);
    LEAST.max(bound.mul_f64(roll))
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
    fn the_bound_grows_up_to_fifteen_seconds() {
        let table = [(0, 1_000), (1, 4_000), (2, 15_000), (3, 15_000), (u32::MAX, 15_000)];
        for (failures, bound) in table {
            let longest = delay(failures, 0.999_999);
            assert!(longest <= Duration::from_millis(bound), "{failures}: {longest:?}");
            assert!(longest >= Duration::from_millis(bound - 1), "{failures}: {longest:?}");
        }
    }

    #[test]
    fn a_thousand_nodes_come_back_spread_out() {
        let mut delays: Vec<Duration> = (0..1000).map(|i| delay(7, f64::from(i) / 1000.0)).collect();
        delays.dedup();
        let busiest = delays.windows(100).map(|window| window[99] - window[0]).min().unwrap();
        assert!(busiest > Duration::from_secs(1), "100 nodes within {busiest:?}");
    }

    proptest! {
        #[test]
        fn every_delay_is_within_its_bounds(failures: u32, roll in 0.0..1.0) {
            let delay = delay(failures, roll);
            prop_assert!(delay >= Duration::from_millis(20) && delay <= LONGEST);
            let refused = refused(roll);
            prop_assert!(refused >= Duration::from_secs(45) && refused <= Duration::from_secs(75));
        }
    }
}
