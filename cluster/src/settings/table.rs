//! Every setting there is. `docs/settings.md` has the same table; a test compares them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Scope};
use crate::session::Clipboard;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct TableEntry {
    pub key: &'static str,
    pub kind: Kind,
    /// As a person would write it.
    pub default: &'static str,
    /// Where it may be set; the last one in the list counts most.
    pub scopes: &'static [Scope],
    pub what: &'static str,
}

const BOTH: &[Scope] = &[Scope::Global, Scope::Local];

/// In the order of keys.
pub const SETTINGS: &[TableEntry] = &[
    TableEntry {
        key: "balanceDeadline",
        kind: Kind::Time { least: Duration::from_millis(10), most: Duration::from_secs(5) },
        default: "500ms",
        scopes: BOTH,
        what: "How long a balancing function may take before it is killed.",
    },
    TableEntry {
        key: "clipboard",
        kind: Kind::Choice(Clipboard::WORDS),
        default: "both",
        scopes: BOTH,
        what: "Which way text goes between a display's clipboard and those of its people, for sessions that start from now on.",
    },
    TableEntry {
        key: "drainTime",
        kind: Kind::Time { least: Duration::ZERO, most: Duration::from_secs(24 * 3600) },
        default: "30s",
        scopes: BOTH,
        what: "How long open streams of a node may go on after SIGTERM, unless `fastx node run --drain` says it.",
    },
    TableEntry {
        key: "historyLength",
        kind: Kind::Number { least: 1, most: 500 },
        default: "100",
        scopes: &[Scope::Global],
        what: "Versions that are kept of the global settings, and of each server's local ones.",
    },
    TableEntry {
        key: "logLevel",
        kind: Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        default: "info",
        scopes: BOTH,
        what: "What a service logs, unless `LOGLEVEL`, `FX_LOG` or `fastx log level` says it.",
    },
    TableEntry {
        key: "metricsInterval",
        kind: Kind::Time { least: Duration::from_secs(1), most: Duration::from_secs(24 * 3600) },
        default: "10s",
        scopes: BOTH,
        what: "From the end of one run of the commands in `metrics.d` to the next.",
    },
    TableEntry {
        key: "metricsTimeout",
        kind: Kind::Time { least: Duration::from_secs(1), most: Duration::from_secs(3600) },
        default: "5s",
        scopes: BOTH,
        what: "How long a command in `metrics.d` may take before it is killed.",
    },
    TableEntry {
        key: "newLogins",
        kind: Kind::Switch,
        default: "true",
        scopes: BOTH,
        what: "Whether people may log in. `fastx server allow --logins no` refuses it too, for one server.",
    },
    TableEntry {
        key: "newSessions",
        kind: Kind::Switch,
        default: "true",
        scopes: BOTH,
        what: "Whether new sessions may start. `fastx server allow --sessions no` and `drain` refuse it too.",
    },
    TableEntry {
        key: "startsFromOthers",
        kind: Kind::Switch,
        default: "true",
        scopes: BOTH,
        what: "Whether people who are signed in at other servers start, open and end sessions on this one.",
    },
    TableEntry {
        key: "updateInterval",
        kind: Kind::Time { least: Duration::from_secs(1), most: Duration::from_secs(3600) },
        default: "10s",
        scopes: BOTH,
        what: "How often a server says what it is; what changes is said at once, and that it is there every 10 s.",
    },
];

/// The values that count, in their types. The names of the fields are those of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Values {
    #[serde(with = "config::duration")]
    pub balance_deadline: Duration,
    pub clipboard: Clipboard,
    #[serde(with = "config::duration")]
    pub drain_time: Duration,
    pub history_length: usize,
    pub log_level: LogLevel,
    #[serde(with = "config::duration")]
    pub metrics_interval: Duration,
    #[serde(with = "config::duration")]
    pub metrics_timeout: Duration,
    pub new_logins: bool,
    pub new_sessions: bool,
    pub starts_from_others: bool,
    #[serde(with = "config::duration")]
    pub update_interval: Duration,
}

/// How grave something must be to be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Values {
    /// Of what counts for each key of the table.
    pub(super) fn of(values: &BTreeMap<&str, Value>) -> Self {
        let object = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        serde_json::from_value(Value::Object(object)).expect("each value was checked by its kind")
    }
}

/// The setting of that name.
///
/// # Errors
/// A hint: the nearest name, or all.
pub fn entry(key: &str) -> Result<&'static TableEntry, String> {
    let known: Vec<&str> = SETTINGS.iter().map(|entry| entry.key).collect();
    SETTINGS.iter().find(|entry| entry.key == key).ok_or_else(|| config::suggest(key, &known))
}

impl TableEntry {
    pub fn default_value(&self) -> Value {
        self.kind.read(self.default).expect("a test reads every default")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_field_and_every_end_of_its_range_fits_into_it() {
        let all = |value: fn(&TableEntry) -> Value| {
            let values: BTreeMap<&str, Value> =
                SETTINGS.iter().map(|entry| (entry.key, value(entry))).collect();
            assert_eq!(values.len(), SETTINGS.len(), "two settings have one name");
            // Panics when a field has no setting, or a setting no field.
            Values::of(&values)
        };
        all(TableEntry::default_value);
        all(|entry| match entry.kind {
            Kind::Time { most, .. } => config::duration::format(most).into(),
            Kind::Number { most, .. } => most.into(),
            Kind::Switch => true.into(),
            Kind::Choice(words) => words[words.len() - 1].into(),
        });
        assert!(SETTINGS.is_sorted_by_key(|entry| entry.key));
        let words = |entry: &TableEntry| match entry.kind {
            Kind::Choice(words) => words.iter().map(|word| (entry.key, Value::from(*word))).collect(),
            _ => Vec::new(),
        };
        for (key, word) in SETTINGS.iter().flat_map(words) {
            let mut values: BTreeMap<&str, Value> =
                SETTINGS.iter().map(|entry| (entry.key, entry.default_value())).collect();
            values.insert(key, word);
            Values::of(&values);
        }
    }

    #[test]
    fn the_guide_has_this_table() {
        let guide = include_str!("../../../docs/settings.md");
        let rows: String = SETTINGS.iter().map(row).collect();
        assert!(guide.contains(&rows), "docs/settings.md must have these lines:\n{rows}");
    }

    fn row(entry: &TableEntry) -> String {
        let TableEntry { key, kind, default, scopes, what } = entry;
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        format!("| `{key}` | {kind} | `{default}` | {} | {what} |\n", scopes.join(", "))
    }

    #[test]
    fn a_name_that_is_nearly_right_is_answered_with_the_right_one() {
        assert_eq!(entry("drainTime").unwrap().default, "30s");
        assert_eq!(entry("draintim").unwrap_err(), "did you mean `drainTime`?");
        assert!(entry("sshport").unwrap_err().contains("historyLength"));
    }
}
