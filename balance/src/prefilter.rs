//! The declarative filter that runs before any function: patterns on what administrators wrote about servers.
//!
//! A filter is an object: each key must match. A list of filters is "one of them". A key is looked up in the server's
//! `staticData`, then in the server object itself; a dot goes deeper (`staticData.rack.row`).
//!
//! | pattern | matches |
//! |---|---|
//! | `"x"` | the value is `x`; if it is a list, one of its items is |
//! | `"*"` | any value that is not false, 0, empty or missing |
//! | `"!x"` | what `x` does not match; `"!*"` what is not there |
//! | `["x", "y"]` | one of them matches |
//! | `true`, `3` | the value is that, also as text |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::offer::Server;

/// Matches everything when it is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prefilter {
    #[default]
    Everything,
    All(BTreeMap<String, Pattern>),
    Any(Vec<BTreeMap<String, Pattern>>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pattern {
    OneOf(Vec<Self>),
    Text(String),
    Switch(bool),
    Number(serde_json::Number),
}

impl Prefilter {
    pub fn matches(&self, server: &Server) -> bool {
        match self {
            Self::Everything => true,
            Self::All(patterns) => all(patterns, server),
            Self::Any(filters) => filters.is_empty() || filters.iter().any(|patterns| all(patterns, server)),
        }
    }
}

fn all(patterns: &BTreeMap<String, Pattern>, server: &Server) -> bool {
    patterns.iter().all(|(key, pattern)| pattern.matches(value(&server.body, key)))
}

fn value<'a>(body: &'a Value, key: &str) -> Option<&'a Value> {
    let deeper = |from: &'a Value| key.split('.').try_fold(from, |at, name| at.get(name));
    body.get("staticData").and_then(|data| data.get(key).or_else(|| deeper(data))).or_else(|| deeper(body))
}

impl Pattern {
    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::OneOf(patterns) => patterns.iter().any(|pattern| pattern.matches(value)),
            Self::Text(text) => match text.strip_prefix('!') {
                Some(rest) => !positive(rest, value),
                None => positive(text, value),
            },
            Self::Switch(wanted) => positive(&wanted.to_string(), value),
            Self::Number(wanted) => positive(&wanted.to_string(), value),
        }
    }
}

fn positive(text: &str, value: Option<&Value>) -> bool {
    match (text, value) {
        (_, None) => false,
        ("*", Some(value)) => truthy(value),
        (text, Some(Value::Array(items))) => items.iter().any(|item| is(text, item)),
        (text, Some(value)) => is(text, value),
    }
}

fn is(text: &str, value: &Value) -> bool {
    match value {
        Value::String(value) => value == text,
        value => {
            let written = value.to_string();
            written == text
        }
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(filter: Value) -> bool {
        let data = json!({ "gpu": true, "rack": { "row": 3 }, "groups": ["chem", "bio"], "name": "", "os": "debian" });
        let server = Server::new(json!({ "serverId": "a", "staticData": data, "hostname": "one" })).unwrap();
        serde_json::from_value::<Prefilter>(filter).unwrap().matches(&server)
    }

    #[test]
    fn patterns_are_those_of_the_guide_to_metadata() {
        let yes = [
            json!(null),
            json!({}),
            json!([]),
            json!({ "gpu": "*" }),
            json!({ "gpu": true }),
            json!({ "gpu": "true" }),
            json!({ "groups": "bio" }),
            json!({ "groups": ["phys", "bio"] }),
            json!({ "groups": "!phys" }),
            json!({ "name": "!*" }),
            json!({ "none": "!x" }),
            json!({ "none": "!*" }),
            json!({ "rack.row": 3 }),
            json!({ "staticData.rack.row": "3" }),
            json!({ "hostname": "one" }),
            json!([{ "os": "rocky" }, { "os": "debian", "gpu": "*" }]),
        ];
        let no = [
            json!({ "name": "*" }),
            json!({ "none": "*" }),
            json!({ "none": "x" }),
            json!({ "gpu": "!*" }),
            json!({ "os": "debian", "gpu": false }),
            json!({ "groups": "!bio" }),
            json!([{ "os": "rocky" }, { "os": "!debian" }]),
        ];
        for filter in yes {
            assert!(matches(filter.clone()), "{filter}");
        }
        for filter in no {
            assert!(!matches(filter.clone()), "{filter}");
        }
    }
}
