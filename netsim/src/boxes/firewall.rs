//! A firewall: nothing comes in that was not asked for, and UDP may be blocked or slowed.

use std::collections::BTreeMap;
use std::fmt::Formatter;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::{Crossing, Flow, Protocol};
use crate::link::Rate;

/// Flows that a firewall remembers; more are refused, as by a full connection table.
const MOST_FLOWS: usize = 262_144;
/// What a slowed UDP may send at once before the rate counts.
const BURST: Duration = Duration::from_millis(50);
const LEAST_BURST: u64 = 3_000;

/// What a firewall lets through. The default lets everything out and, as an answer, in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FirewallModel {
    /// Whether strangers may come in; else only answers to what went out.
    pub inbound: bool,
    pub udp: Udp,
    /// An unused flow is forgotten after this, and its answers are not let in any more.
    #[serde(with = "config::duration")]
    pub idle: Duration,
}

impl Default for FirewallModel {
    fn default() -> Self {
        Self { inbound: false, udp: Udp::Open, idle: Duration::from_secs(180) }
    }
}

/// What becomes of UDP: `udp = "open"`, `"blocked"`, `{ blockedAfter = "5m" }` or `{ atMost = "1Mbit/s" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Udp {
    Open,
    Blocked,
    /// Let through until this time since the start, then swallowed.
    BlockedAfter(Duration),
    /// In each direction; what is over it is dropped.
    AtMost(Rate),
}

/// A firewall with its state. Time is a duration since the start of the plan, never decreasing.
#[derive(Clone, Debug)]
pub struct Firewall {
    model: FirewallModel,
    flows: BTreeMap<Flow, Duration>,
    out: Bucket,
    inward: Bucket,
}

impl Firewall {
    pub fn new(model: FirewallModel) -> Self {
        Self { model, flows: BTreeMap::new(), out: Bucket::default(), inward: Bucket::default() }
    }

    pub fn model(&self) -> &FirewallModel {
        &self.model
    }

    /// From now on UDP is treated like this; flows are remembered.
    pub fn set_udp(&mut self, udp: Udp) {
        self.model.udp = udp;
    }

    /// Whether a packet of `bytes` passes.
    pub fn passes(&mut self, now: Duration, crossing: Crossing, flow: Flow, bytes: usize) -> bool {
        self.asked_for(now, crossing, flow)
            && (flow.protocol != Protocol::Udp || self.udp_passes(now, crossing, bytes as u64))
    }

    fn asked_for(&mut self, now: Duration, crossing: Crossing, flow: Flow) -> bool {
        let idle = self.model.idle;
        let known = self.flows.get(&flow).is_some_and(|used| now - *used < idle);
        if !known {
            if crossing == Crossing::In && !self.model.inbound {
                return false;
            }
            if self.flows.len() >= MOST_FLOWS {
                self.flows.retain(|_, used| now - *used < idle);
            }
            if self.flows.len() >= MOST_FLOWS {
                return false;
            }
        }
        self.flows.insert(flow, now);
        true
    }

    fn udp_passes(&mut self, now: Duration, crossing: Crossing, bytes: u64) -> bool {
        match self.model.udp {
            Udp::Open => true,
            Udp::Blocked => false,
            Udp::BlockedAfter(end) => now < end,
            Udp::AtMost(rate) => match crossing {
                Crossing::Out => self.out.take(now, rate, bytes),
                Crossing::In => self.inward.take(now, rate, bytes),
            },
        }
    }
}

/// A token bucket, kept as the time at which it will be full again.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    full_at: Duration,
}

impl Bucket {
    fn take(&mut self, now: Duration, rate: Rate, bytes: u64) -> bool {
        let depth = rate.time(rate.bytes(BURST).max(LEAST_BURST));
        let full_at = self.full_at.max(now) + rate.time(bytes);
        let fits = full_at - now <= depth;
        if fits {
            self.full_at = full_at;
        }
        fits
    }
}

impl<'de> Deserialize<'de> for Udp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

#[derive(Deserialize)]
enum Table {
    #[serde(rename = "blockedAfter", with = "config::duration")]
    BlockedAfter(Duration),
    #[serde(rename = "atMost")]
    AtMost(Rate),
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Udp;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("\"open\", \"blocked\", { blockedAfter = \"5m\" } or { atMost = \"1Mbit/s\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Udp, E> {
        match text {
            "open" => Ok(Udp::Open),
            "blocked" => Ok(Udp::Blocked),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Udp, A::Error> {
        Ok(match Table::deserialize(MapAccessDeserializer::new(map))? {
            Table::BlockedAfter(end) => Udp::BlockedAfter(end),
            Table::AtMost(rate) => Udp::AtMost(rate),
        })
    }
}

#[cfg(test)]
#[path = "firewall_tests.rs"]
mod tests;
