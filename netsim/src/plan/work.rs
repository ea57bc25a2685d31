//! What people do.

use std::time::Duration;

use serde::Deserialize;

use super::Name;
use crate::link::Size;

/// Streams from clients, through gateways, to nodes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Work {
    /// For expectations and the report.
    pub name: Name,
    #[serde(rename = "do")]
    pub kind: Kind,
    /// Clients; each of them does it.
    pub from: Name,
    /// Nodes; clients are spread over them.
    pub to: Name,
    /// Of each client, at a time (with `openClose`: at most).
    #[serde(default = "one")]
    pub streams: u32,
    /// Of bulk.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Of bulk: bytes of each stream, then it ends [default: until `stop`]. Of keystrokes: of each message, both ways.
    /// Of openClose: of each answer.
    #[serde(default)]
    pub size: Option<Size>,
    /// Of keystrokes: messages of each stream. Of openClose: streams of each client.
    #[serde(default)]
    pub per_second: Option<f64>,
    #[serde(default, with = "config::duration")]
    pub start: Duration,
    /// Streams begin by chance within so long after `start`, not all at once.
    #[serde(default, with = "config::duration")]
    pub starts_over: Duration,
    /// [default: the end of the plan]
    #[serde(default, deserialize_with = "some_span")]
    pub stop: Option<Duration>,
}

impl Work {
    /// Bytes of a message or an answer, when the plan does not say: a keystroke with what it changes on the screen.
    pub fn message(&self) -> u64 {
        self.size.map_or(200, |size| size.0)
    }

    /// Messages, or streams opened, in a second: 60 keystrokes, 10 streams when the plan does not say.
    pub fn per_second(&self) -> f64 {
        self.per_second.unwrap_or(if self.kind == Kind::Keystrokes { 60.0 } else { 10.0 })
    }

    pub fn direction(&self) -> Direction {
        self.direction.unwrap_or(Direction::Down)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// As many bytes as fit.
    Bulk,
    /// Small messages at a steady pace, each answered at once; their round trip is measured.
    Keystrokes,
    /// Streams that are opened, answered and closed; the time from opening to the first byte is measured.
    OpenClose,
    /// Streams that are open.
    Idle,
}

impl Kind {
    /// Whether its streams are open for long, so that it can be seen whether they work.
    pub fn lasts(self) -> bool {
        matches!(self, Self::Keystrokes | Self::Idle)
    }
}

/// Of bulk, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Up,
    Down,
}

fn one() -> u32 {
    1
}

pub(super) fn some_span<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    config::duration::deserialize(deserializer).map(Some)
}
