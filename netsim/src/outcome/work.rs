//! What became of one work of the plan.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Latencies;
use crate::plan::Work;

/// What became of one work.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkOutcome {
    pub name: String,
    /// Streams that were asked for.
    pub opened: u64,
    /// Streams that ended well, or were open and sound at the end.
    pub finished: u64,
    /// Streams that ended with an error, or could not be opened.
    pub lost: u64,
    /// Bytes that arrived at their reader until a time, all streams together; both ascending. The first is (0, 0).
    #[serde(serialize_with = "progress")]
    pub progress: Vec<(Duration, u64)>,
    /// Of keystrokes: round trips. Of openClose: from opening to the first byte of the answer.
    pub latencies: Latencies,
}

impl WorkOutcome {
    pub fn new(work: &Work) -> Self {
        Self { name: work.name.to_string(), progress: vec![(Duration::ZERO, 0)], ..Self::default() }
    }

    /// Bytes that had arrived by `at`, between samples in proportion.
    pub fn bytes_at(&self, at: Duration) -> f64 {
        let behind = self.progress.partition_point(|(time, _)| *time <= at);
        let Some((start, low)) = behind.checked_sub(1).map(|i| self.progress[i]) else { return 0.0 };
        let Some((end, high)) = self.progress.get(behind).copied() else { return float(low) };
        let part = (at - start).as_secs_f64() / (end - start).as_secs_f64();
        float(low) + (float(high) - float(low)) * part
    }

    /// Bits per second from `from` to `to`, on average; 0 for no time.
    pub fn goodput(&self, from: Duration, to: Duration) -> f64 {
        let time = to.saturating_sub(from).as_secs_f64();
        if time > 0.0 { (self.bytes_at(to) - self.bytes_at(from)) * 8.0 / time } else { 0.0 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53 bytes it is exact; a plan moves less")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

fn progress<S: Serializer>(points: &[(Duration, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(points.iter().map(|(at, bytes)| (at.as_secs_f64(), *bytes)))
}
