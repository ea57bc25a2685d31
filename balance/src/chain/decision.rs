//! What a chain decided, and how it came to it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub function: String,
    /// Servers in.
    pub offered: usize,
    /// Servers out.
    pub left: usize,
    #[serde(rename = "tookMs", with = "milliseconds")]
    pub took: Duration,
    pub console: Vec<Line>,
    /// In words.
    pub said: String,
}

mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e3)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let ms = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(ms / 1e3).map_err(serde::de::Error::custom)
    }
}

/// What came of it, as programs read it: a server's id, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    ServerId(String),
    Error { code: String, message: String },
}

impl From<&Result<String, Refused>> for Outcome {
    fn from(result: &Result<String, Refused>) -> Self {
        match result {
            Ok(id) => Self::ServerId(id.clone()),
            Err(refused) => Self::Error { code: refused.code().to_owned(), message: refused.to_string() },
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ServerId(id) => f.write_str(id),
            Self::Error { code, message } => write!(f, "refused ({code}): {message}"),
        }
    }
}

/// A decision, as programs read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How many servers were not offered to any function, by reason.
    pub not_offered: BTreeMap<String, usize>,
    /// A function is not trusted at the moment: the server with the fewest sessions was taken.
    pub substitute: bool,
    pub steps: Vec<Step>,
}

impl From<&Decision> for Trace {
    fn from(decision: &Decision) -> Self {
        Self {
            outcome: Outcome::from(&decision.result),
            not_offered: decision.unfit.iter().map(|(why, count)| (why.to_string(), *count)).collect(),
            substitute: decision.substitute,
            steps: decision.steps.clone(),
        }
    }
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
