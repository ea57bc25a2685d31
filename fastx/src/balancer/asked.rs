//! What is asked of a balancer over the admin socket, and what it answers.

use balance::plan::Record;
use balance::pool::Alarm;
use balance::{Function, Moment, Plan, Request, shipped};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ActionName;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Overview {
    pub(crate) actions: Vec<Shown>,
    /// Functions that are paused after kills.
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) deadline_ms: u64,
}

/// One action, in short.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    pub(crate) action: ActionName,
    pub(crate) version: u64,
    /// Names, in their order; one that is not enabled is in brackets.
    pub(crate) functions: Vec<String>,
    pub(crate) cases: usize,
    pub(crate) shadow: Option<Vec<String>>,
}

/// All that is kept of one action.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    pub(crate) record: Record,
    pub(crate) shadow: Option<Plan>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedAs {
    pub(crate) version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rollback {
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) by: String,
    #[serde(default)]
    pub(crate) override_cases: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Shadow {
    pub(crate) plan: Option<Plan>,
    #[serde(default)]
    pub(crate) by: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Replay {
    pub(crate) plan: Plan,
    /// So many of the newest decisions.
    pub(crate) last: usize,
}

/// A dry run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rehearsal {
    pub(crate) plan: Plan,
    pub(crate) request: Request,
    /// Server objects; else the cluster's.
    #[serde(default)]
    pub(crate) servers: Option<Vec<Value>>,
    #[serde(default)]
    pub(crate) moment: Option<Moment>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ask {
    pub(crate) request: Request,
    /// Servers that are not to be offered.
    #[serde(default)]
    pub(crate) except: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chosen {
    pub(crate) server_id: String,
    /// Of the decision in the journal.
    pub(crate) number: u64,
}

/// A function that comes with the program.
#[derive(Debug, Serialize)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) source: String,
}

impl Template {
    pub(crate) fn all() -> Vec<Self> {
        let one = |function: Function| {
            let about = shipped::about(&function);
            Self { name: function.name, about, source: function.source }
        };
        shipped::all().map(one).collect()
    }
}
