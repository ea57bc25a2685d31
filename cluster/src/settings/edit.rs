//! A change of settings, written so that no other writer's change is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::{Record, Set, Version};
use super::{Scope, TableEntry, entry};
use crate::name::Name;
use crate::store::{Expect, Revision, Store, StoreError, Write};

/// Of ten writers at once the last one needs ten.
const MAX_ATTEMPTS: u32 = 50;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edit {
    pub scope: Scope,
    /// Who wants it; the server that is asked is added.
    pub by: String,
    pub what: What,
    /// Only if this is still the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// Texts as a person wrote them; `None` is "not set any more".
    Set(BTreeMap<String, Option<String>>),
    /// Back to the values of a version, as a new version.
    Rollback(u64),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edited {
    pub scope: Scope,
    /// The version that now is.
    pub version: u64,
    pub revision: Option<Revision>,
    /// What it changed; `None` when everything was so already.
    pub change: Option<Version>,
}

/// Why nothing was changed, but for a store that did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("there is no setting `{key}`")]
    Unknown { key: String, hint: String },
    #[error("{key}: {why}")]
    Value { key: String, why: String },
    #[error("{key} is for the whole cluster, and cannot be set for one server")]
    NotLocal { key: String },
    #[error("version {version} of the {scope} settings is not known: {known}")]
    NoVersion { scope: Scope, version: u64, known: String },
    #[error("the {scope} settings are at version {there}, not at {expected}")]
    Moved { scope: Scope, expected: u64, there: u64 },
    #[error("the {scope} settings in the store cannot be read ({why})")]
    Damaged { scope: Scope, why: String },
    #[error("too many others change the {scope} settings at this moment")]
    Busy { scope: Scope },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Does it; keeps `length` versions.
pub(super) async fn edit(
    store: &dyn Store,
    me: &Name,
    edit: &Edit,
    length: usize,
) -> Result<Edited, EditError> {
    let (scope, key) = (edit.scope, edit.scope.key(me));
    let by = format!("{}@{me}", edit.by.chars().filter(|c| !c.is_control()).take(64).collect::<String>());
    for attempt in 0..MAX_ATTEMPTS {
        let there = store.get(&key).await?;
        let revision = there.as_ref().map(|document| document.revision);
        let record = match there {
            Some(document) => serde_json::from_value(document.body)
                .map_err(|error| EditError::Damaged { scope, why: error.to_string() })?,
            None => Record::default(),
        };
        let (values, rollback) = wanted(edit, &record)?;
        let Some(next) = record.changed(values, &by, Timestamp::now(), rollback, length) else {
            return Ok(Edited { scope, version: record.version, revision, change: None });
        };
        let body = serde_json::to_value(&next).map_err(|error| StoreError::Refused(error.to_string()))?;
        let expect = revision.map_or(Expect::Absent, Expect::Revision);
        match store.write(Write { key: key.clone(), expect, by: by.clone(), body: Some(body) }).await {
            Ok(revision) => {
                let change = next.history.last().cloned();
                return Ok(Edited { scope, version: next.version, revision: Some(revision), change });
            }
            // Somebody was faster: the change is made on top of theirs.
            Err(StoreError::Conflict { .. }) => {
                let pause = rand::random_range(1..=5) * u64::from(attempt + 1);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(EditError::Busy { scope })
}

/// The values that are to be, and the version gone back to.
fn wanted(edit: &Edit, record: &Record) -> Result<(Set, Option<u64>), EditError> {
    let scope = edit.scope;
    if let Some(expected) = edit.expect.filter(|expected| *expected != record.version) {
        return Err(EditError::Moved { scope, expected, there: record.version });
    }
    match &edit.what {
        What::Set(texts) => {
            let mut values = record.values.clone();
            for (key, text) in texts {
                set(&mut values, scope, key, text.as_deref())?;
            }
            Ok((values, None))
        }
        What::Rollback(version) => match record.values_at(*version) {
            Some(values) => Ok((values, Some(*version))),
            None => {
                let oldest = record.history.first().map_or(record.version, |entry| entry.version - 1);
                let known = format!("{oldest} to {} are", record.version);
                Err(EditError::NoVersion { scope, version: *version, known })
            }
        },
    }
}

fn set(values: &mut Set, scope: Scope, key: &str, text: Option<&str>) -> Result<(), EditError> {
    let known: Result<&TableEntry, String> = entry(key);
    let (known, text) = match (known, text) {
        // A setting of another version of the program can be taken away.
        (Err(_), None) if values.contains_key(key) => {
            values.remove(key);
            return Ok(());
        }
        (Err(hint), _) => return Err(EditError::Unknown { key: key.to_owned(), hint }),
        (Ok(known), text) => (known, text),
    };
    if !known.scopes.contains(&scope) {
        return Err(EditError::NotLocal { key: key.to_owned() });
    }
    let Some(text) = text else {
        values.remove(key);
        return Ok(());
    };
    let value = known.kind.read(text).map_err(|why| EditError::Value { key: key.to_owned(), why })?;
    values.insert(key.to_owned(), value);
    Ok(())
}
