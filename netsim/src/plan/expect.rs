//! What must hold. Judged by [`crate::outcome::judge`].

use std::time::Duration;

use serde::Deserialize;

use super::Name;
use super::work::some_span;
use crate::link::Rate;

/// What must hold of one work; each key is one expectation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Expect {
    /// The work's name.
    pub of: Name,
    /// Bytes that arrived at their reader, all streams together, on average.
    #[serde(default)]
    pub goodput_at_least: Option<Rate>,
    /// Of `goodputAtLeast`: counted from here [default: the work's start].
    #[serde(default, deserialize_with = "some_span")]
    pub after: Option<Duration>,
    /// Of keystrokes: 99 of 100 round trips. Of openClose: from opening to the first byte.
    #[serde(default, deserialize_with = "some_span")]
    pub p99_at_most: Option<Duration>,
    /// Streams that ended with an error, or could not be opened.
    #[serde(default)]
    pub lost_at_most: Option<u64>,
    /// Streams that ended well.
    #[serde(default)]
    pub finished_at_least: Option<u64>,
    /// Of keystrokes and idle: 99 of 100 streams work again so soon after the last fault before.
    #[serde(default, deserialize_with = "some_span")]
    pub back_within: Option<Duration>,
}

/// What must hold of the nodes' tunnels; each key is one expectation.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TunnelBounds {
    /// Every node has a tunnel so soon after the start.
    #[serde(deserialize_with = "some_span")]
    pub connected_within: Option<Duration>,
    /// A node that lost its last tunnel has one again so soon after the last fault before that.
    #[serde(deserialize_with = "some_span")]
    pub back_within: Option<Duration>,
    /// 99 of 100 nodes have a tunnel to each of their gateways again so soon after the last fault before.
    #[serde(deserialize_with = "some_span")]
    pub whole_within: Option<Duration>,
    /// Tunnels that are dialled, by all nodes together, in any second.
    pub dials_per_second_at_most: Option<u64>,
}
