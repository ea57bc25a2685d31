//! The settings for a person: what counts, and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Behind, SETTINGS, Scope, Snapshot, Source};
use crate::name::Name;

/// Everything there is to say. `fastx config get --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Whose settings these are.
    pub server_id: Name,
    pub settings: Vec<Setting>,
    pub global: Head,
    pub local: Head,
    /// Set when the store cannot be asked: these settings are then the last that were known.
    pub behind: Option<Behind>,
    pub ignored: Vec<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    pub key: String,
    /// What counts.
    pub value: Value,
    pub source: Source,
    pub local: Option<Value>,
    pub global: Option<Value>,
    pub default: Value,
    /// What it takes, in words.
    pub takes: String,
    pub what: String,
    /// Where it may be set.
    pub scopes: Vec<Scope>,
}

/// The newest version of a scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    pub version: u64,
    pub by: Option<String>,
    pub at: Option<Timestamp>,
}

pub(super) fn show(me: &Name, now: &Snapshot) -> Shown {
    let settings = SETTINGS.iter().map(|entry| {
        let (value, source) = now.documents.explain(entry);
        let set = |scope| now.documents.of(scope).record.values.get(entry.key).cloned();
        Setting {
            key: entry.key.into(),
            value,
            source,
            local: set(Scope::Local),
            global: set(Scope::Global),
            default: entry.default_value(),
            takes: entry.kind.to_string(),
            what: entry.what.into(),
            scopes: entry.scopes.to_vec(),
        }
    });
    Shown {
        server_id: me.clone(),
        settings: settings.collect(),
        global: head(now, Scope::Global),
        local: head(now, Scope::Local),
        behind: now.behind.clone(),
        ignored: now.ignored.clone(),
    }
}

fn head(now: &Snapshot, scope: Scope) -> Head {
    let record = &now.documents.of(scope).record;
    let last = record.history.last();
    Head { version: record.version, by: last.map(|entry| entry.by.clone()), at: last.map(|entry| entry.at) }
}
