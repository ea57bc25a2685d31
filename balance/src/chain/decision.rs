//! What a chain decided, and how it came to it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::engine::{Line, Stop};
use crate::offer::Unfit;

#[derive(Clone, Debug)]
pub struct Decision {
    /// A server's id.
    pub result: Result<String, Refused>,
    /// What each function did that ran.
    pub steps: Vec<Step>,
    /// Servers that were not offered to any.
    pub unfit: BTreeMap<Unfit, usize>,
    /// A function is not trusted at the moment: the built-in "fewest sessions" decided among what was left before it.
    pub substitute: bool,
}

/// What one function did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub function: String,
    /// Servers in.
    pub offered: usize,
    /// Servers out.
    pub left: usize,
    #[serde(rename = "tookMs", serialize_with = "milliseconds")]
    pub took: Duration,
    pub console: Vec<Line>,
    /// In words.
    pub said: String,
}

fn milliseconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e3)
}

/// Why no server was chosen. It is shown to the person who wanted one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The script's own words alone: they are meant for the person.
    #[error("{message}")]
    Threw { function: String, message: String },
    #[error(
        "load balancing: the function \"{function}\" returned \"{id}\", which is no server it was offered"
    )]
    NotOffered { function: String, id: String },
    #[error(
        "load balancing: the function \"{function}\" returned {what}; it must return a serverId, an array of servers, or nothing"
    )]
    Odd { function: String, what: String },
    #[error("load balancing: the function \"{function}\" was stopped: {stop}")]
    Stopped { function: String, stop: Stop },
    #[error("load balancing: no function chose a server{}: {steps}", without(unfit))]
    Nobody { unfit: BTreeMap<Unfit, usize>, steps: String },
    #[error("load balancing: there is no server that takes this")]
    NoServers,
}

impl Refused {
    /// Stable over releases.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Threw { .. } => "balance-refused",
            Self::NotOffered { .. } => "balance-not-offered",
            Self::Odd { .. } => "balance-odd-result",
            Self::Stopped { .. } => "balance-stopped",
            Self::Nobody { .. } => "balance-nobody-chose",
            Self::NoServers => "balance-no-servers",
        }
    }
}

fn without(unfit: &BTreeMap<Unfit, usize>) -> String {
    if unfit.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = unfit.iter().map(|(why, count)| format!("{count} {why}")).collect();
    format!(" (not offered: {})", parts.join(", "))
}

/// What each function did, on one line.
pub(super) fn summary(steps: &[Step]) -> String {
    let parts: Vec<String> =
        steps.iter().map(|step| format!("\"{}\" {}", step.function, step.said)).collect();
    parts.join("; ")
}
