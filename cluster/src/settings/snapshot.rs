//! What one server knows of its settings at one moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Record, SETTINGS, Scope, TableEntry, Values, entry};
use crate::store::Revision;

/// All settings, consistent in themselves. It is replaced as a whole.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What counts.
    pub values: Values,
    pub documents: Documents,
    /// Whether the store could be asked for what is newer.
    pub behind: Option<Behind>,
    /// What the documents have and this version does not take, each said in a sentence.
    pub ignored: Vec<String>,
}

/// The documents of both scopes. A server keeps them in a file, as it read them last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Documents {
    pub global: Held,
    pub local: Held,
}

/// The document of one scope, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// `None` before the first.
    pub revision: Option<Revision>,
    pub record: Record,
}

/// Why newer settings may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Behind {
    pub since: Timestamp,
    pub why: String,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    Local,
    Global,
    Default,
}

impl Snapshot {
    pub(super) fn new(documents: Documents, behind: Option<Behind>) -> Self {
        let value = |entry: &TableEntry| (entry.key, documents.explain(entry).0);
        let values: BTreeMap<&str, Value> = SETTINGS.iter().map(value).collect();
        let mut ignored = unusable(Scope::Global, &documents.global.record);
        ignored.extend(unusable(Scope::Local, &documents.local.record));
        Self { values: Values::of(&values), documents, behind, ignored }
    }
}

impl Documents {
    pub fn of(&self, scope: Scope) -> &Held {
        match scope {
            Scope::Global => &self.global,
            Scope::Local => &self.local,
        }
    }

    pub(super) fn of_mut(&mut self, scope: Scope) -> &mut Held {
        match scope {
            Scope::Global => &mut self.global,
            Scope::Local => &mut self.local,
        }
    }

    /// The value that counts, and where it comes from: local over global over default. What is not taken does not count.
    pub fn explain(&self, entry: &TableEntry) -> (Value, Source) {
        let value = |scope| {
            let value = self.of(scope).record.values.get(entry.key);
            let value = value.filter(|_| entry.scopes.contains(&scope))?;
            entry.kind.check(value).ok()
        };
        let local = || value(Scope::Local).map(|value| (value, Source::Local));
        let global = || value(Scope::Global).map(|value| (value, Source::Global));
        local().or_else(global).unwrap_or_else(|| (entry.default_value(), Source::Default))
    }
}

fn unusable(scope: Scope, record: &Record) -> Vec<String> {
    let fault = |(key, value): (&String, &Value)| match entry(key) {
        Err(_) => Some(format!("{scope}: this version has no setting `{key}`")),
        Ok(entry) if !entry.scopes.contains(&scope) => {
            Some(format!("{scope}: {key} is for the whole cluster"))
        }
        Ok(entry) => entry.kind.check(value).err().map(|why| format!("{scope}: {key}: {why}")),
    };
    record.values.iter().filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(global: Value, local: Value) -> Snapshot {
        let [global, local] = [global, local].map(|values| {
            let values = serde_json::from_value(values).unwrap();
            Held { revision: None, record: Record { values, ..Record::default() } }
        });
        Snapshot::new(Documents { global, local }, None)
    }

    #[test]
    fn local_counts_more_than_global_and_that_more_than_the_default() {
        let drain_time = entry("drainTime").unwrap();
        for (global, local, value, source) in [
            (json!({}), json!({}), "30s", Source::Default),
            (json!({ "drainTime": "1m" }), json!({}), "1m", Source::Global),
            (json!({ "drainTime": "1m" }), json!({ "drainTime": "5s" }), "5s", Source::Local),
            (json!({ "drainTime": "1m" }), json!({ "drainTime": "5" }), "1m", Source::Global),
        ] {
            let snapshot = snapshot(global, local);
            assert_eq!(snapshot.documents.explain(drain_time), (json!(value), source));
            assert_eq!(config::duration::format(snapshot.values.drain_time), value);
        }
    }

    #[test]
    fn what_another_version_wrote_is_said_and_does_no_harm() {
        let snapshot =
            snapshot(json!({ "historyLength": 0, "fromTheFuture": [1] }), json!({ "historyLength": 7 }));
        assert_eq!(snapshot.values.history_length, 100);
        let [future, range, local] = &snapshot.ignored[..] else { panic!("{:?}", snapshot.ignored) };
        assert_eq!(future, "global: this version has no setting `fromTheFuture`");
        assert_eq!(range, "global: historyLength: `0` is not a whole number from 1 to 500");
        assert_eq!(local, "local: historyLength is for the whole cluster");
    }
}
