//! What another process said, as JSON. It may be anybody's who has a login: nothing of it is believed to be small or flat.
//!
//! What one process takes, all others must be able to read, also as a part of something else: a server in a list, a
//! document in a page. JSON readers take 127 levels of arrays and objects.

use serde::de::DeserializeOwned;

/// Levels of arrays and objects in a message.
const MAX_DEPTH: usize = 64;
/// The same in what is handed on in other messages: a document's body, a server object.
pub const MAX_PART_DEPTH: usize = 56;

/// Why a message is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Reads a message.
pub fn read<T: DeserializeOwned>(message: &[u8]) -> Result<T, Unheard> {
    if depth(message) > MAX_DEPTH { Err(Unheard::TooDeep) } else { Ok(serde_json::from_slice(message)?) }
}

/// How deep arrays and objects stand in each other; of what is no JSON, at least as deep as a reader would come.
pub fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn what_stands_in_text_is_not_deep() {
        for (json, levels) in [
            ("1", 0),
            (r#"{"a":[{}],"b":[]}"#, 3),
            (r#"["[[[[", "\"[[", "\\", [1]]"#, 2),
            ("]]]][", 1),
            ("", 0),
        ] {
            assert_eq!(depth(json.as_bytes()), levels, "{json}");
        }
    }

    #[test]
    fn what_is_too_deep_is_refused_before_it_is_read() {
        let nested = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
        assert!(read::<Value>(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(matches!(read::<Value>(nested(MAX_DEPTH + 1).as_bytes()), Err(Unheard::TooDeep)));
        assert!(matches!(read::<Value>("[".repeat(500_000).as_bytes()), Err(Unheard::TooDeep)));
        assert!(matches!(read::<Value>(b"{"), Err(Unheard::Json(_))));
    }
}
