//! The control plane of a plan: every node is a member of a cluster.

use std::time::Duration;

use serde::Deserialize;

use super::work::some_span;

/// ```toml
/// [control]
/// managers = 2
/// delay = "20ms"
/// lostWithin = "35s"
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Control {
    /// Processes that keep the store.
    #[serde(default = "one")]
    pub managers: usize,
    /// From everybody to the broker, one way. It is not one of the plan's paths.
    #[serde(default, with = "config::duration")]
    pub delay: Duration,
    /// A server that is gone is shown as lost so soon.
    #[serde(default, deserialize_with = "some_span")]
    pub lost_within: Option<Duration>,
    /// All servers are shown alive so soon after a fault of the broker, the store or the managers.
    #[serde(default, deserialize_with = "some_span")]
    pub back_within: Option<Duration>,
    /// Descriptions of servers that come to the broker in any second.
    #[serde(default)]
    pub updates_per_second_at_most: Option<usize>,
}

fn one() -> usize {
    1
}

/// What of the control plane can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// Nothing reaches it.
    Broker,
    /// It answers with errors.
    Store,
    /// Their processes end without a word.
    Managers,
}

impl Part {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Store => "store",
            Self::Managers => "managers",
        }
    }
}
