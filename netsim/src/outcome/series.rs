//! A quantity over time.

use std::collections::BTreeMap;
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

/// Everything that was sampled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples(BTreeMap<Quantity, BTreeMap<String, Series>>);

impl Samples {
    /// Times of one series ascend.
    pub(super) fn add(&mut self, quantity: Quantity, of: &str, at: Duration, value: f64) {
        let all = self.0.entry(quantity).or_default();
        if !all.contains_key(of) {
            all.insert(of.to_owned(), Series { quantity, of: of.to_owned(), points: Vec::new() });
        }
        all.get_mut(of).expect("inserted above").points.push((at, value));
    }

    /// Of one quantity, by name.
    pub fn of(&self, quantity: Quantity) -> impl Iterator<Item = &Series> {
        self.0.get(&quantity).into_iter().flat_map(BTreeMap::values)
    }
}

impl Serialize for Samples {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.values().flat_map(BTreeMap::values))
    }
}

/// What is sampled over time. Throughput is not: it follows from a work's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Quantity {
    /// Of a tunnel, as its sender measures it: seconds.
    Rtt,
    /// Of a node's QUIC tunnels to one gateway: the largest congestion window, in bytes.
    Window,
    /// Of a link: what waits before it, in bytes.
    Queue,
    /// Of a work: round trip of keystrokes, or time to the first byte, in seconds, averaged since the last sample.
    Latency,
    /// Nodes that have a tunnel.
    Connected,
    /// Nodes that have a tunnel to each of their gateways that takes new streams.
    Whole,
    /// Of a work with streams that last: those that work.
    Working,
    /// Streams that are open.
    Streams,
}

fn points<S: Serializer>(points: &[(Duration, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(points.iter().map(|(at, value)| (at.as_secs_f64(), *value)))
}
