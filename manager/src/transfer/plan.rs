//! What is to be done, decided before anything is; pure.

use std::collections::BTreeMap;

use cluster::store::{Key, Revision};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::source::Skipped;

/// One side's document: how old it is, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Side {
    pub(super) revision: Revision,
    pub(super) at: Timestamp,
    pub(super) by: String,
    /// `None`: it says that it was deleted.
    pub(super) body: Option<Value>,
}

/// What is done with one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Act {
    /// It is there already.
    Keep,
    Add,
    Change,
    Delete,
    /// What is there is newer: replaced only by force.
    Newer,
}

/// One document.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub key: Key,
    pub act: Act,
    /// Lines that go (`-`) and come (`+`).
    pub diff: Vec<String>,
    /// Who wrote what is there, and when, where that is newer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
}

/// Everything, in the order of keys.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub skipped: Vec<Skipped>,
    /// Whether it was done.
    pub done: bool,
}

impl Plan {
    pub fn count(&self, act: Act) -> usize {
        self.steps.iter().filter(|step| step.act == act).count()
    }

    /// Whether something newer is in the way.
    pub fn is_refused(&self, force: bool) -> bool {
        !force && self.count(Act::Newer) > 0
    }
}

/// What brings `from` to `to`. What only `to` has stays.
pub(super) fn plan(from: &BTreeMap<Key, Side>, to: &BTreeMap<Key, Side>) -> Vec<Step> {
    from.iter().filter_map(|(key, from)| step(key, from, to.get(key))).collect()
}

fn step(key: &Key, from: &Side, to: Option<&Side>) -> Option<Step> {
    let before = to.and_then(|to| to.body.as_ref());
    let act = match (to, &from.body) {
        (None, None) => return None,
        (None, Some(_)) => Act::Add,
        (Some(to), body) if to.body == *body => Act::Keep,
        (Some(to), _) if to.revision > from.revision => Act::Newer,
        (Some(_), Some(_)) => Act::Change,
        (Some(_), None) => Act::Delete,
    };
    let diff = if act == Act::Keep { Vec::new() } else { diff(before, from.body.as_ref()) };
    let newer = to.filter(|_| act == Act::Newer).map(|to| format!("{:.0} by {}", to.at, to.by));
    Some(Step { key: key.clone(), act, diff, newer })
}

/// Paths that differ, with their values: `- values.drainTime "30s"`.
fn diff(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let [before, after] = [before, after].map(|value| {
        let mut leaves = BTreeMap::new();
        if let Some(value) = value {
            flatten(String::new(), value, &mut leaves);
        }
        leaves
    });
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    let lines = differs.flat_map(|path| {
        let line = |sign: char, value: &String| format!("{sign} {path} {}", shortened(value));
        let gone = before.get(path).map(|value| line('-', value));
        gone.into_iter().chain(after.get(path).map(|value| line('+', value)))
    });
    lines.collect()
}

/// Every value that has no values inside, by its path.
fn flatten(path: String, value: &Value, leaves: &mut BTreeMap<String, String>) {
    let below = |name: String| if path.is_empty() { name } else { format!("{path}.{name}") };
    match value {
        Value::Object(object) if !object.is_empty() => {
            object.iter().for_each(|(key, value)| flatten(below(key.clone()), value, leaves));
        }
        Value::Array(array) if !array.is_empty() => {
            array
                .iter()
                .enumerate()
                .for_each(|(index, value)| flatten(below(index.to_string()), value, leaves));
        }
        _ => drop(leaves.insert(path, value.to_string())),
    }
}

/// An icon has thousands of letters.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 120;
    match value.char_indices().nth(LONGEST) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
    }
}

#[cfg(test)]
mod tests {
    use cluster::Name;
    use serde_json::json;

    use super::*;

    fn side(revision: i64, body: Option<Value>) -> Side {
        Side { revision: Revision(revision), at: Timestamp::UNIX_EPOCH, by: "bob".into(), body }
    }

    fn act(from: Side, to: Option<Side>) -> Option<Act> {
        let key = Key { collection: Name::new("settings").unwrap(), id: Name::new("global").unwrap() };
        step(&key, &from, to.as_ref()).map(|step| step.act)
    }

    #[test]
    fn what_is_newer_is_in_the_way_unless_it_is_the_same() {
        let (old, new) = (Some(json!(1)), Some(json!(2)));
        assert_eq!(act(side(5, new.clone()), None), Some(Act::Add));
        assert_eq!(act(side(5, new.clone()), Some(side(9, new.clone()))), Some(Act::Keep));
        assert_eq!(act(side(5, new.clone()), Some(side(4, old.clone()))), Some(Act::Change));
        assert_eq!(act(side(5, new.clone()), Some(side(6, old.clone()))), Some(Act::Newer));
        assert_eq!(act(side(5, None), Some(side(4, old.clone()))), Some(Act::Delete));
        assert_eq!(act(side(5, None), Some(side(6, old))), Some(Act::Newer));
        assert_eq!(act(side(5, None), None), None);
    }

    #[test]
    fn a_difference_names_the_place_and_is_no_longer_than_a_line() {
        let before = json!({ "values": { "a": 1, "b": [1, 2] }, "same": "x" });
        let after = json!({ "values": { "a": 2, "b": [1] }, "same": "x", "icon": "y".repeat(500), "c": {} });
        let lines = diff(Some(&before), Some(&after));
        assert_eq!(lines[0], "+ c {}");
        assert!(lines[1].starts_with("+ icon \"yyy") && lines[1].ends_with("… (502 bytes)"), "{lines:?}");
        assert_eq!(lines[2..], ["- values.a 1", "+ values.a 2", "- values.b.1 2"]);
    }
}
