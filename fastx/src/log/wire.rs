//! What the command line and the service say to each other about levels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A wish: `level` is one of `error`, `warn`, `info`, `debug`, `trace` and `off`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wish {
    pub(crate) level: String,
    /// A part of the program; without it, everything of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// Reverted then; without it, at the next start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) for_seconds: Option<u64>,
}

/// What is logged now.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    /// By target; `""` is for what is not named.
    pub(crate) levels: BTreeMap<String, String>,
    /// What was changed since the start.
    pub(crate) changes: Vec<ShownChange>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownChange {
    pub(crate) target: Option<String>,
    pub(crate) level: String,
    pub(crate) seconds_left: Option<u64>,
}
