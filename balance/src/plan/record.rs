//! The document of one action: its plan, and how it came to be. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Plan;

/// What is kept, as compact JSON in bytes: somewhat less than the longest document of the store.
pub const MAX_RECORD: usize = 240 * 1024;
/// The most versions that are kept.
const MAX_VERSIONS: usize = 100;

/// The newest version is the last, and counts. Without any the server with the fewest sessions is taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    pub versions: Vec<Saved>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Saved {
    pub version: u64,
    /// A person and the server that was asked.
    pub by: String,
    pub at: Timestamp,
    /// The version that was gone back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<u64>,
    /// The cases that failed, and did not hinder it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
    pub plan: Plan,
}

impl Record {
    /// Counts every change; 0 is before the first.
    pub fn version(&self) -> u64 {
        self.versions.last().map_or(0, |saved| saved.version)
    }

    pub fn plan(&self) -> Plan {
        self.versions.last().map(|saved| saved.plan.clone()).unwrap_or_default()
    }

    /// The plan of a version that is kept; of version 0 the one without functions.
    pub fn plan_at(&self, version: u64) -> Option<Plan> {
        if version == 0 {
            return Some(Plan::default());
        }
        self.versions.iter().find(|saved| saved.version == version).map(|saved| saved.plan.clone())
    }

    /// With one version more; the oldest go.
    pub fn with(mut self, saved: Saved) -> Self {
        self.versions.push(Saved { version: self.version() + 1, ..saved });
        let bytes = |saved: &Saved| serde_json::to_vec(saved).map_or(0, |json| json.len() + 1);
        let mut room = MAX_RECORD;
        let fits = |saved: &&Saved| {
            let left = room.checked_sub(bytes(saved));
            room = left.unwrap_or(0);
            left.is_some()
        };
        let kept = self.versions.iter().rev().take(MAX_VERSIONS).take_while(fits).count().max(1);
        self.versions.drain(..self.versions.len() - kept);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Planned;

    fn saved(source: &str) -> Saved {
        let function = Planned { name: "f".into(), source: source.into(), enabled: true };
        let plan = Plan { functions: vec![function], ..Plan::default() };
        let (by, at) = ("alice@a".into(), Timestamp::UNIX_EPOCH);
        Saved { version: 0, by, at, rollback: None, overridden: Vec::new(), plan }
    }

    #[test]
    fn versions_count_up_and_each_that_is_kept_can_be_gone_back_to() {
        let mut record = Record::default();
        assert_eq!((record.version(), record.plan()), (0, Plan::default()));
        for n in 0..150 {
            record = record.with(saved(&n.to_string()));
        }
        assert_eq!((record.version(), record.versions.len()), (150, 100));
        assert_eq!(record.plan_at(51), Some(saved("50").plan));
        assert_eq!((record.plan_at(50), record.plan_at(0)), (None, Some(Plan::default())));
    }

    #[test]
    fn the_oldest_go_when_all_are_too_long() {
        let mut record = Record::default();
        for _ in 0..9 {
            record = record.with(saved(&"x".repeat(90_000)));
        }
        assert_eq!(record.versions.len(), 2);
        assert!(serde_json::to_vec(&record).unwrap().len() <= MAX_RECORD + 20);
    }
}
