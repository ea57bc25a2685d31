//! What is JSON but not the type, said with the place and the nearest right name.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::fault::Fault;
use crate::locate::{self, Place, Step};
use crate::redact;
use crate::typography::Lookalike;

/// `text`, known to be JSON, as a `T`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Box<Fault>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let steps: Vec<Step> = error.path().iter().filter_map(step).collect();
        let (span, what, hint) = explain(text, &steps, error.inner());
        Fault::new(path, text, span, what, hint).within(&place_name(&steps)).into()
    })
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { variant } => Some(Step::Key(variant.clone())),
        Segment::Unknown => None,
    }
}

/// `services[2].listen`; empty for a key at the top, whose place the line shows well enough.
fn place_name(steps: &[Step]) -> String {
    if steps.len() < 2 {
        return String::new();
    }
    let mut name = String::new();
    for step in steps {
        match step {
            Step::Index(index) => name.push_str(&format!("[{index}]")),
            Step::Key(key) if name.is_empty() => name.push_str(key),
            Step::Key(key) => name.push_str(&format!(".{key}")),
        }
    }
    name
}

/// Range, what is wrong, and a hint.
fn explain(text: &str, steps: &[Step], error: &serde_json::Error) -> (Range<usize>, String, String) {
    let said = error.to_string();
    // serde_json's own position is behind the value; ours is better.
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    let place = locate::find(text, steps);
    if let Some(rest) = said.strip_prefix("unknown field `") {
        return unknown_key(text, steps, place, rest);
    }
    if let Some(rest) = said.strip_prefix("unknown variant `") {
        let (wrong, known) = split_names(rest);
        return (place.value, format!("`{wrong}` is not one of the choices"), suggest(wrong, &known));
    }
    if let Some(key) = said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let open = place.value.start..place.value.start + 1;
        return (
            open,
            format!("the key `{key}` is missing"),
            format!("put \"{key}\": … inside these brackets"),
        );
    }
    if let Some(key) = said.strip_prefix("duplicate field `").and_then(|rest| rest.strip_suffix('`')) {
        let place = descend(text, steps, place, key);
        let span = place.key.unwrap_or(place.value);
        return (span, format!("the key `{key}` stands here twice"), "remove one of them".into());
    }
    wrong_value(text, steps, place, said)
}

/// What serde says about a value in any format, as what is wrong and a hint; the place is the caller's.
pub fn wording(said: &str) -> (String, String) {
    if let Some((wrong, known)) = said.strip_prefix("unknown field `").map(split_names) {
        return (format!("unknown key `{wrong}`"), suggest(wrong, &known));
    }
    if let Some((wrong, known)) = said.strip_prefix("unknown variant `").map(split_names) {
        return (format!("`{wrong}` is not one of the choices"), suggest(wrong, &known));
    }
    if let Some(key) = said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return (format!("the key `{key}` is missing here"), String::new());
    }
    let Some((found, expected)) = said.split_once(", expected ") else {
        return (said.to_owned(), String::new());
    };
    let found = found.trim_start_matches("invalid type: ").trim_start_matches("invalid value: ");
    (format!("{found} is not {}", plain_type(expected)), String::new())
}

/// A hint for a name that is not known: the nearest one, or all.
pub fn suggest(wrong: &str, known: &[&str]) -> String {
    let lower = wrong.to_lowercase();
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .min_by_key(|(distance, _)| *distance)
        // A third of the letters may be wrong, at least two: `hots` is `host`, `port` is not.
        .filter(|(distance, name)| {
            *distance <= (name.chars().count() / 3).max(2).min(name.chars().count() - 1)
        });
    match (near, known) {
        (Some((_, name)), _) => format!("did you mean `{name}`?"),
        (None, []) => "no key is known here".into(),
        (None, known) => format!("known here: {}", known.join(", ")),
    }
}

/// The error is about a key inside the object at `steps`, unless `steps` names it already.
fn descend(text: &str, steps: &[Step], place: Place, key: &str) -> Place {
    if steps.last() == Some(&Step::Key(key.to_owned())) && place.followed == steps.len() {
        return place;
    }
    let deeper: Vec<Step> = steps.iter().cloned().chain([Step::Key(key.to_owned())]).collect();
    let inner = locate::find(text, &deeper);
    if inner.followed > place.followed { inner } else { place }
}

fn unknown_key(text: &str, steps: &[Step], place: Place, rest: &str) -> (Range<usize>, String, String) {
    let (wrong, known) = split_names(rest);
    let place = descend(text, steps, place, wrong);
    let span = place.key.unwrap_or(place.value);
    if let Some((at, found)) = Lookalike::first_in(&text[span.clone()]) {
        let start = span.start + at;
        return (start..start + found.found.len_utf8(), found.what(), found.hint());
    }
    (span, format!("unknown key `{wrong}`"), suggest(wrong, &known))
}

fn wrong_value(text: &str, steps: &[Step], place: Place, said: &str) -> (Range<usize>, String, String) {
    let secret = steps.iter().any(|step| matches!(step, Step::Key(key) if redact::is_secret(key)));
    let said = match said.split_once(", expected ") {
        Some((_, expected)) if secret => format!("the value is not {}", plain_type(expected)),
        Some((found, expected)) => {
            let found = found.trim_start_matches("invalid type: ").trim_start_matches("invalid value: ");
            format!("{found} is not {}", plain_type(expected))
        }
        None if secret => "the value is not usable".to_owned(),
        None => said.to_owned(),
    };
    if let Some((at, found)) = Lookalike::first_in(&text[place.value.clone()]) {
        let start = place.value.start + at;
        let hint = if said.contains(found.name) {
            found.hint()
        } else {
            format!("{}: {}", found.what(), found.hint())
        };
        return (start..start + found.found.len_utf8(), said, hint);
    }
    // An object or list is pointed at by its opening bracket.
    let is_container = text[place.value.clone()].starts_with(['{', '[']);
    let span = if is_container { place.value.start..place.value.start + 1 } else { place.value };
    (span, said, String::new())
}

/// Rust's type names mean nothing to an administrator.
fn plain_type(expected: &str) -> String {
    let number = |max: u64| format!("a whole number from 0 to {max}");
    match expected {
        "u8" => number(u8::MAX.into()),
        "u16" => number(u16::MAX.into()),
        "u32" => number(u32::MAX.into()),
        "u64" | "usize" => "a whole number, 0 or more".into(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false (without quotes)".into(),
        "a string" => "a \"string\"".into(),
        "a sequence" => "a list […]".into(),
        "a map" => "an object {…}".into(),
        other => other.strip_prefix("struct ").map_or(other.to_owned(), |_| "an object {…}".into()),
    }
}

/// "x`, expected one of `a`, `b`" into `x` and `[a, b]`.
fn split_names(rest: &str) -> (&str, Vec<&str>) {
    let (wrong, expected) = rest.split_once("`, ").unwrap_or((rest.trim_end_matches('`'), ""));
    (wrong, expected.split('`').skip(1).step_by(2).collect())
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
