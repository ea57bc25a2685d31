//! Settings as text.

use cluster::settings::{Difference, Edited, Head, Record, Setting, Shown, Source, Version};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";

/// One line for each setting.
pub(super) fn all(shown: &Shown, now: Timestamp) -> String {
    let rows =
        shown.settings.iter().map(|setting| [setting.key.clone(), text(&setting.value), source(setting)]);
    let rows: Vec<[String; 3]> = rows.collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (keys, values) = (width(0), width(1));
    let line = |[key, value, source]: &[String; 3]| format!("{key:keys$}  {value:values$}  {source}\n");
    let table: String = rows.iter().map(line).collect();
    format!("{table}\n{}{}", heads(shown, now), doubts(shown, now))
}

/// One setting, with everything about it.
pub(super) fn setting(setting: &Setting, shown: &Shown, now: Timestamp) -> String {
    let set = |value: &Option<Value>| value.as_ref().map_or("not set".to_owned(), text);
    format!(
        "{} = {}\n  {}\n  takes    {}\n  local    {}\n  global   {}\n  default  {}\n\nit counts: {}\n{}{}",
        setting.key,
        text(&setting.value),
        setting.what,
        setting.takes,
        if setting.scopes.len() == 1 { "cannot be set".to_owned() } else { set(&setting.local) },
        set(&setting.global),
        text(&setting.default),
        source(setting),
        heads(shown, now),
        doubts(shown, now),
    )
}

fn source(setting: &Setting) -> String {
    match setting.source {
        Source::Local => "local: set for this server".into(),
        Source::Global => "global: set for the cluster".into(),
        Source::Default => "default".into(),
    }
}

fn heads(shown: &Shown, now: Timestamp) -> String {
    let head = |name: &str, head: &Head| match (&head.by, head.at) {
        (Some(by), Some(at)) => format!("{name} version {}, by {by}, {}\n", head.version, ago(at, now)),
        _ => format!("{name} version {}\n", head.version),
    };
    head("global:", &shown.global) + &head(&format!("local ({}):", shown.server_id), &shown.local)
}

fn doubts(shown: &Shown, now: Timestamp) -> String {
    let mut text = String::new();
    if let Some(behind) = &shown.behind {
        text += &format!("newer ones may be missing: {} (since {})\n", behind.why, ago(behind.since, now));
    }
    for fault in &shown.ignored {
        text += &format!("does not count: {fault}\n");
    }
    text
}

pub(super) fn edited(edited: &Edited, colours: bool) -> String {
    match &edited.change {
        None => format!("nothing changed: it is so already ({} version {})\n", edited.scope, edited.version),
        Some(change) => {
            format!("{} version {}\n{}", edited.scope, edited.version, differences(change, colours))
        }
    }
}

/// The newest first.
pub(super) fn history(record: &Record, scope: &str, now: Timestamp, colours: bool) -> String {
    if record.history.is_empty() {
        return format!("no {scope} settings were ever changed\n");
    }
    let entry = |entry: &Version| {
        let rollback = entry.rollback.map_or(String::new(), |to| format!(", back to version {to}"));
        let Version { version, by, at, .. } = entry;
        let head = format!("version {version}, by {by}, {} ({at:.0}){rollback}\n", ago(*at, now));
        head + &differences(entry, colours)
    };
    record.history.iter().rev().map(entry).collect::<Vec<_>>().join("\n")
}

fn differences(version: &Version, colours: bool) -> String {
    let line = |sign, colour, key: &str, value: &Value| match colours {
        true => format!("  {colour}{sign} {key} {}\u{1b}[0m\n", text(value)),
        false => format!("  {sign} {key} {}\n", text(value)),
    };
    let lines = |Difference { key, before, after }: &Difference| {
        let before = before.as_ref().map(|value| line('-', RED, key, value)).unwrap_or_default();
        let after = after.as_ref().map(|value| line('+', GREEN, key, value)).unwrap_or_default();
        before + &after
    };
    version.changes.iter().map(lines).collect()
}

/// As one would write it on the command line.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    let span = now.duration_since(at).max(SignedDuration::ZERO);
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s ago"),
        seconds @ 120..7200 => format!("{} min ago", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version() -> Version {
        serde_json::from_value(json!({
            "version": 4, "by": "alice@node-1", "at": "2026-11-22T10:00:00Z", "rollback": 2,
            "changes": [
                { "key": "drainTime", "before": "30s", "after": "45s" },
                { "key": "historyLength", "after": 7 },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn a_change_is_shown_as_what_goes_and_what_comes() {
        let text = differences(&version(), false);
        assert_eq!(text, "  - drainTime 30s\n  + drainTime 45s\n  + historyLength 7\n");
        assert!(differences(&version(), true).starts_with("  \u{1b}[31m- drainTime 30s\u{1b}[0m\n"));
    }

    #[test]
    fn the_history_says_who_and_when() {
        let record = Record { version: 4, history: vec![version()], ..Record::default() };
        let text = history(&record, "global", "2026-11-22T13:00:00Z".parse().unwrap(), false);
        let head = "version 4, by alice@node-1, 3 h ago (2026-11-22T10:00:00Z), back to version 2\n";
        assert!(text.starts_with(head), "{text}");
    }
}
