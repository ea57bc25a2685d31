//! The document of one scope: its values, and how they came to be. Everything here is pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::MAX_BODY;

/// What the history may take of a document, as compact JSON: with the values it stays below the longest body, and both
/// scopes, indented, below the longest file that is read.
const MAX_HISTORY: usize = MAX_BODY / 2;

/// Values by key. What is not set is not there.
pub(super) type Set = BTreeMap<String, Value>;

/// The settings of one scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Counts every change; 0 is before the first.
    pub version: u64,
    pub values: Set,
    /// The newest is the last. The oldest are dropped: see `historyLength`.
    pub history: Vec<Version>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    pub version: u64,
    /// A person and the server that was asked.
    pub by: String,
    pub at: Timestamp,
    /// The version that was gone back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<u64>,
    pub changes: Vec<Difference>,
}

/// What a version did to one setting; `None` is "not set".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl Record {
    /// The values as they were at a version; `None` when that is not known (any more).
    pub fn values_at(&self, version: u64) -> Option<Set> {
        let later = self.history.iter().rev().take_while(|entry| entry.version > version);
        let later: Vec<&Version> = later.collect();
        // Version 0 needs every change there ever was.
        let oldest = later.last().map_or(self.version, |entry| entry.version - 1);
        if oldest != version {
            return None;
        }
        let mut values = self.values.clone();
        for change in later.iter().flat_map(|entry| &entry.changes) {
            match &change.before {
                Some(value) => drop(values.insert(change.key.clone(), value.clone())),
                None => drop(values.remove(&change.key)),
            }
        }
        Some(values)
    }

    /// With other values, and an entry about it; `None` when they are the same. Keeps `length` entries at most.
    pub(super) fn changed(
        &self,
        values: Set,
        by: &str,
        at: Timestamp,
        rollback: Option<u64>,
        length: usize,
    ) -> Option<Self> {
        let changes = differences(&self.values, &values);
        if changes.is_empty() {
            return None;
        }
        let version = self.version + 1;
        let mut history = self.history.clone();
        history.push(Version { version, by: by.to_owned(), at, rollback, changes });
        drop_oldest(&mut history, length);
        Some(Self { version, values, history })
    }
}

fn differences(before: &Set, after: &Set) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let of = |key: &String| Difference {
        key: key.clone(),
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
    };
    differs.map(of).collect()
}

fn drop_oldest(history: &mut Vec<Version>, length: usize) {
    let bytes = |entry: &Version| serde_json::to_vec(entry).map_or(0, |json| json.len());
    let mut room = MAX_HISTORY;
    let fits = |entry: &&Version| {
        let left = room.checked_sub(bytes(entry));
        room = left.unwrap_or(0);
        left.is_some()
    };
    // The newest always stays: its size is bounded by the table's.
    let kept = history.iter().rev().take(length).take_while(fits).count().max(1);
    history.drain(..history.len() - kept);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(record: &Record, key: &str, value: Value, length: usize) -> Record {
        let mut values = record.values.clone();
        values.insert(key.into(), value);
        record.changed(values, "alice", Timestamp::UNIX_EPOCH, None, length).unwrap()
    }

    #[test]
    fn every_version_that_is_kept_can_be_gone_back_to() {
        let mut record = Record::default();
        let mut seen = vec![record.values.clone()];
        for number in 0..8 {
            record = with(&record, ["a", "b", "c"][number % 3], json!(number), 100);
            seen.push(record.values.clone());
        }
        for (version, values) in seen.iter().enumerate() {
            assert_eq!(record.values_at(version as u64).as_ref(), Some(values), "{version}");
        }
        assert_eq!(record.values_at(9), None);
    }

    #[test]
    fn the_oldest_versions_go_by_number_and_by_size() {
        let mut record = Record::default();
        for number in 0..9 {
            record = with(&record, "a", json!(number), 3);
        }
        let kept: Vec<u64> = record.history.iter().map(|entry| entry.version).collect();
        assert_eq!((kept, record.version), (vec![7, 8, 9], 9));
        // One before the oldest entry is still known, by that entry's `before`.
        assert_eq!(record.values_at(6), Some([("a".to_owned(), json!(5))].into()));
        assert_eq!(record.values_at(5), None);
        let long = json!("x".repeat(40_000));
        for number in 0..9 {
            record = with(&record, "b", json!([number, long]), 100);
        }
        let bytes = serde_json::to_vec(&record.history).unwrap().len();
        assert!(bytes < MAX_HISTORY && !record.history.is_empty(), "{bytes}");
    }

    #[test]
    fn what_changes_nothing_is_no_version() {
        let record = with(&Record::default(), "a", json!(1), 3);
        assert_eq!(record.changed(record.values.clone(), "bob", Timestamp::UNIX_EPOCH, None, 3), None);
    }
}
