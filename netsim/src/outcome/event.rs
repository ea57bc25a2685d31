//! Things that happened at a time.

use std::time::Duration;

use serde::Serialize;

/// Something that happened at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    #[serde(serialize_with = "super::seconds")]
    pub at: Duration,
    pub what: What,
    /// The host that it happened to, or the path; empty when neither.
    pub host: String,
    /// In a few words, for the report.
    pub text: String,
}

/// What kind of event; the report draws each in its own colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// A step of the plan: something breaks, changes or is mended.
    Fault,
    /// A node has a tunnel that it had not.
    TunnelUp,
    TunnelDown,
    /// A stream ended with an error, or could not be opened.
    StreamLost,
    /// Something else worth knowing.
    Note,
}
