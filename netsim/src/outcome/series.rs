//! A quantity over time.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// One quantity of one thing over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    pub quantity: Quantity,
    /// Whose: a tunnel's (`node-1 to gateway`), a link's (`uplink up`), a work's.
    pub of: String,
    /// Time and value; ascending in time. A value that is not finite is a gap.
    #[serde(serialize_with = "points")]
    pub points: Vec<(Duration, f64)>,
}

/// What is sampled over time. Throughput is not: it follows from a work's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Quantity {
    /// Of a tunnel, as its sender measures it: seconds.
    Rtt,
    /// Of a tunnel's sender: its congestion window, in bytes.
    Window,
    /// Of a link: what waits before it, in bytes.
    Queue,
    /// Of a work: round trip of keystrokes, or time to the first byte, in seconds, averaged since the last sample.
    Latency,
    /// Nodes that have a tunnel.
    Connected,
    /// Streams that are open.
    Streams,
}

fn points<S: Serializer>(points: &[(Duration, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(points.iter().map(|(at, value)| (at.as_secs_f64(), *value)))
}
