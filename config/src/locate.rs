//! Finds the place of a value in JSON text by its path. serde knows the path of an error but reports the position
//! where it stopped reading, which is behind the value, and for buffered types far behind it.

use std::ops::Range;

/// One step down into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    /// A number is taken for an index; an object that has such a key is descended into all the same.
    pub(crate) fn from_text(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Key(text.to_owned()), Self::Index)
    }
}

/// Ranges of bytes in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The key in its quotes, when the last step was into an object.
    pub(crate) key: Option<Range<usize>>,
    pub(crate) value: Range<usize>,
    /// How many of the steps could be followed.
    pub(crate) followed: usize,
}

/// The place at the end of `path`, or as deep as it can be followed. `text` is well-formed JSON; of two equal keys
/// the last counts.
pub(crate) fn find(text: &str, path: &[Step]) -> Place {
    let mut cursor = Cursor { text, at: 0 };
    cursor.skip_space();
    let start = cursor.at;
    let mut place = Place { key: None, value: start..cursor.skip_value(), followed: 0 };
    for step in path {
        let Some((key, value)) = Cursor { text, at: place.value.start }.child(step) else { break };
        place = Place { key, value, followed: place.followed + 1 };
    }
    place
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

type Child = (Option<Range<usize>>, Range<usize>);

impl Cursor<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// From an opening quote to behind the closing one.
    fn skip_string(&mut self) -> Range<usize> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.byte() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        self.at = self.at.min(self.text.len());
        start..self.at
    }

    /// Not recursive: the depth of the text is the administrator's choice, not ours.
    fn skip_value(&mut self) -> usize {
        let mut depth = 0usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'"' => drop(self.skip_string()),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b',' | b':' => break,
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => self.skip_word(),
            }
            if depth == 0 {
                break;
            }
        }
        self.at
    }

    fn skip_word(&mut self) {
        while self.byte().is_some_and(|b| !b.is_ascii_whitespace() && !b",:]}[{\"".contains(&b)) {
            self.at += 1;
        }
    }

    fn child(&mut self, step: &Step) -> Option<Child> {
        match (self.byte()?, step) {
            (b'{', Step::Key(key)) => self.member(key),
            (b'{', Step::Index(index)) => self.member(&index.to_string()),
            (b'[', Step::Index(index)) => self.element(*index),
            _ => None,
        }
    }

    fn member(&mut self, wanted: &str) -> Option<Child> {
        let mut found = None;
        loop {
            self.at += 1; // the opening brace or a comma
            self.skip_space();
            if self.byte() != Some(b'"') {
                return found;
            }
            let key = self.skip_string();
            self.skip_space();
            self.at += 1; // the colon
            self.skip_space();
            let start = self.at;
            let value = start..self.skip_value();
            if serde_json::from_str::<String>(&self.text[key.clone()]).is_ok_and(|name| name == wanted) {
                found = Some((Some(key), value));
            }
            self.skip_space();
            if self.byte() != Some(b',') {
                return found;
            }
        }
    }

    fn element(&mut self, wanted: usize) -> Option<Child> {
        for index in 0.. {
            self.at += 1; // the opening bracket or a comma
            self.skip_space();
            let start = self.at;
            let value = start..self.skip_value();
            if value.is_empty() {
                return None;
            }
            if index == wanted {
                return Some((None, value));
            }
            self.skip_space();
            if self.byte() != Some(b',') {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_found_by_their_path() {
        let text = r#" {"a": [1, {"b\"c": "x,}"}, -2.5e1], "d": {}, "d": null} "#;
        let at = |path: &[&str]| {
            let steps: Vec<Step> = path.iter().map(|step| Step::from_text(step)).collect();
            let place = find(text, &steps);
            (place.followed, &text[place.value], place.key.map(|key| &text[key]))
        };
        assert_eq!(at(&["a", "0"]), (2, "1", None));
        assert_eq!(at(&["a", "1", "b\"c"]), (3, r#""x,}""#, Some(r#""b\"c""#)));
        assert_eq!(at(&["a", "2"]), (2, "-2.5e1", None));
        assert_eq!(at(&["a", "3"]).0, 1);
        assert_eq!(at(&["d"]), (1, "null", Some("\"d\"")));
        assert_eq!(at(&["e"]), (0, text.trim(), None));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "[\\[\\]{}\":,\\\\ a1ä]{0,40}", index in 0usize..4) {
            let place = find(&text, &[Step::Key("a".into()), Step::Index(index)]);
            prop_assert!(place.value.end <= text.len());
        }
    }
}
