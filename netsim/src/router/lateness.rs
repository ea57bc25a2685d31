//! How late packets left: the error of the emulation.

use std::time::Duration;

/// Counts by power of two: below 1 µs, below 2 µs, below 4 µs …
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    counts: [u64; 32],
    worst: Duration,
}

impl Lateness {
    pub(super) fn add(&mut self, late: Duration) {
        let micros = u32::try_from(late.as_micros()).unwrap_or(u32::MAX >> 1).min(u32::MAX >> 1);
        self.counts[(u32::BITS - micros.leading_zeros()) as usize] += 1;
        self.worst = self.worst.max(late);
    }

    pub fn worst(&self) -> Duration {
        self.worst
    }

    /// `share` (0 to 1) of all packets were not later than this, to a factor of two.
    pub fn within(&self, share: f64) -> Duration {
        let all: u64 = self.counts.iter().sum();
        let (mut seen, mut edge) = (0, Duration::from_micros(1));
        for count in self.counts {
            seen += count;
            #[expect(clippy::cast_precision_loss, reason = "counts of packets, far below 2^52")]
            if seen as f64 >= share * all as f64 {
                break;
            }
            edge *= 2;
        }
        edge.min(self.worst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_known_to_a_factor_of_two() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.within(0.99), Duration::ZERO);
        (0..99).for_each(|_| lateness.add(Duration::from_micros(3)));
        lateness.add(Duration::from_micros(700));
        assert_eq!(lateness.within(0.99), Duration::from_micros(4));
        assert_eq!(
            (lateness.within(1.0), lateness.worst()),
            (Duration::from_micros(700), Duration::from_micros(700))
        );
        lateness.add(Duration::from_secs(10_000));
    }
}
