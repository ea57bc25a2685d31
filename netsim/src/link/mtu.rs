//! The largest packet, and whether its sender is told: `mtu = 1280` or `mtu = { bytes = 1280, icmp = false }`.

use std::fmt::Formatter;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

/// The largest packet that a link takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mtu {
    /// Of the whole IP packet: a UDP payload has 28 bytes less (48 with IPv6).
    pub bytes: u16,
    /// Whether the sender of a larger one gets ICMP "packet too big"; without, it vanishes.
    pub icmp: bool,
}

impl Default for Mtu {
    /// Ethernet.
    fn default() -> Self {
        Self { bytes: 1500, icmp: true }
    }
}

impl<'de> Deserialize<'de> for Mtu {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(deserialize_with = "bytes")]
    bytes: u16,
    #[serde(default = "told")]
    icmp: bool,
}

fn told() -> bool {
    true
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let bytes = i64::deserialize(deserializer)?;
    checked(bytes).ok_or_else(|| Error::invalid_value(Unexpected::Signed(bytes), &Written))
}

/// 576 is what every IPv4 host takes (RFC 791).
fn checked(bytes: i64) -> Option<u16> {
    u16::try_from(bytes).ok().filter(|bytes| *bytes >= 576)
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Mtu;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("bytes from 576 to 65535, or { bytes = 1280, icmp = false }")
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<Mtu, E> {
        let bytes = checked(bytes).ok_or_else(|| E::invalid_value(Unexpected::Signed(bytes), &self))?;
        Ok(Mtu { bytes, icmp: true })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mtu, A::Error> {
        let Table { bytes, icmp } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Mtu { bytes, icmp })
    }
}
