//! When a certificate is renewed, and when a failed try is repeated. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::certificates::Facts;

/// Time until two thirds of the certificate's life are over, and up to a thirtieth more. `jitter` is in 0..1.
pub(super) fn until_due(facts: &Facts, now: Timestamp, jitter: f64) -> Duration {
    let life = facts.not_after.duration_since(facts.not_before).as_secs_f64();
    let due = facts.not_before.as_second() as f64 + life * (2.0 / 3.0 + jitter / 30.0);
    Duration::from_secs_f64((due - now.as_second() as f64).max(0.0))
}

/// 1, 4, 16, 64 min and so on up to 6 h, each up to half shorter: four tries in the first hour, of the five that
/// Let's Encrypt allows.
pub(super) fn back_off(failures: u32, jitter: f64) -> Duration {
    let longest = Duration::from_secs(6 * 3600);
    let wait = Duration::from_secs(60).saturating_mul(4u32.saturating_pow(failures.saturating_sub(1)));
    wait.min(longest).mul_f64(1.0 - jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_90_days_is_renewed_after_60_to_63() {
        let day = |days: i64| Timestamp::from_second(days * 86_400).expect("in range");
        let facts = Facts { names: vec![], not_before: day(100), not_after: day(190) };
        let days = |now, jitter| until_due(&facts, day(now), jitter).as_secs() / 86_400;
        assert_eq!(days(100, 0.0), 60);
        assert_eq!(days(100, 1.0), 63);
        assert_eq!(days(150, 0.0), 10);
        assert_eq!(days(500, 0.5), 0);
    }

    #[test]
    fn tries_grow_rarer() {
        let minutes: Vec<u64> = (1..8).map(|n| back_off(n, 0.0).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 4, 16, 64, 256, 360, 360]);
        assert_eq!(back_off(u32::MAX, 1.0), Duration::from_secs(3 * 3600));
    }
}
