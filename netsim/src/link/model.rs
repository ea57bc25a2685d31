//! How one direction of a path behaves.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::{Loss, Mtu, Queue, Rate, Share};

/// How one direction of a path behaves. The default is a perfect link: no delay, no limit but an MTU of 1500.
///
/// ```toml
/// delay = "20ms"          # one way: a round trip is this of both directions together
/// jitter = "5ms"          # up to so much more; packets stay in order
/// rate = "100Mbit/s"      # none: not limited
/// queue = "256kB"         # or "100 packets", or "200ms" at the rate [default: "100ms"]; full: packets are dropped
/// loss = "2%"             # or in bursts: { share = "3%", burst = 8 }
/// reorder = { share = "1%", by = "5ms" }
/// duplicate = "0.1%"
/// corrupt = "0.01%"
/// mtu = 1500              # or { bytes = 1280, icmp = false } for a black hole
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// One way, after the last bit has been sent; at most an hour.
    #[serde(deserialize_with = "an_hour_at_most")]
    pub delay: Duration,
    /// The delay wanders between `delay` and `delay + jitter`; at most an hour.
    #[serde(deserialize_with = "an_hour_at_most")]
    pub jitter: Duration,
    /// Of whole IP packets; `None`: not limited, and nothing queues.
    pub rate: Option<Rate>,
    /// Before the link; `None`: 100 ms at the rate, at least 32 kB.
    pub queue: Option<Queue>,
    pub loss: Loss,
    pub reorder: Option<Reorder>,
    /// Packets that arrive twice, at the same time.
    pub duplicate: Share,
    /// Packets that arrive damaged; each copy of a doubled one for itself.
    pub corrupt: Share,
    pub mtu: Mtu,
}

/// Packets that others overtake.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reorder {
    /// Of all packets.
    pub share: Share,
    /// Such a packet is held back up to so long, evenly distributed; at most an hour.
    #[serde(deserialize_with = "an_hour_at_most")]
    pub by: Duration,
}

/// Longer is a slip of the unit, and sums of such times must not overflow.
fn an_hour_at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let span = config::duration::deserialize(deserializer)?;
    if span > Duration::from_secs(3600) {
        return Err(Error::custom("a packet is under way for at most 1h"));
    }
    Ok(span)
}
