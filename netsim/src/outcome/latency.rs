//! Many latencies in little memory: how often each was met, in classes 1.1 % wide.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Classes in each doubling: a class is 2^(1/64), so 1.1 %, wide.
const CLASSES: f64 = 64.0;

/// How often each latency was met. The classes span a microsecond to a day, so there are at most 2,400.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies {
    classes: BTreeMap<u16, u64>,
    count: u64,
    longest: Duration,
}

impl Latencies {
    pub fn record(&mut self, latency: Duration) {
        let micros = latency.as_secs_f64() * 1e6;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, below 2^16 for 10^12 years"
        )]
        let class = (micros.max(1.0).log2() * CLASSES).ceil() as u16;
        *self.classes.entry(class).or_default() += 1;
        self.count += 1;
        self.longest = self.longest.max(latency);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// The latency that `share` of all (0.99 for p99) do not exceed, at most 1.1 % too long; `None` when there is none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let wanted = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let class = self.classes.iter().find(|(_, often)| {
            seen += **often;
            seen >= wanted
        })?;
        let micros = (f64::from(*class.0) / CLASSES).exp2();
        Some(Duration::from_secs_f64(micros / 1e6).min(self.longest))
    }
}

impl Serialize for Latencies {
    /// As seconds; `null` when there is none.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quantile = |share| self.quantile(share).map(|latency| latency.as_secs_f64());
        let mut out = serializer.serialize_struct("Latencies", 5)?;
        out.serialize_field("count", &self.count)?;
        out.serialize_field("p50", &quantile(0.5))?;
        out.serialize_field("p99", &quantile(0.99))?;
        out.serialize_field("p999", &quantile(0.999))?;
        out.serialize_field("longest", &(self.count > 0).then_some(self.longest.as_secs_f64()))?;
        out.end()
    }
}
