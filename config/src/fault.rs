//! An error with a place in a file, as it is printed.

use std::fmt::{Display, Formatter};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::redact;

/// A shown line is cut to about this many characters around the place; a `ca` makes lines of 1,000.
const WINDOW: usize = 100;

/// What is wrong, where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    path: PathBuf,
    /// Counted from 1.
    line: usize,
    /// In characters, counted from 1.
    column: usize,
    what: String,
    hint: String,
    excerpt: Excerpt,
}

#[derive(Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    /// Characters before the caret.
    indent: usize,
    /// Carets, at least one.
    width: usize,
}

impl Fault {
    /// `span` is a range of bytes in `text`; it is moved to whole characters of its first line.
    pub fn new(path: &Path, text: &str, span: Range<usize>, what: String, hint: String) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let end = text.ceil_char_boundary(span.end.clamp(start, line_end));
        let before = text[line_start..start].chars().count();
        let width = text[start..end].chars().count().max(1);
        let line = redact::line(&text[line_start..line_end]);
        Self {
            path: path.to_owned(),
            line: 1 + text[..start].matches('\n').count(),
            column: 1 + before,
            what: sanitize(&what),
            hint: sanitize(&hint),
            excerpt: Excerpt::cut(&line, before, width),
        }
    }

    /// The same fault with the path of its key in front, for files where the same key stands in many places.
    pub(crate) fn within(mut self, place: &str) -> Self {
        if !place.is_empty() {
            self.what = sanitize(&format!("{} (at {place})", self.what));
        }
        self
    }

    pub fn line(&self) -> usize {
        self.line
    }

    pub fn column(&self) -> usize {
        self.column
    }
}

impl Excerpt {
    fn cut(line: &str, before: usize, width: usize) -> Self {
        let length = line.chars().count();
        if length <= WINDOW {
            return Self { text: sanitize(line.trim_end()), indent: before, width };
        }
        let skip = before.saturating_sub(WINDOW / 2);
        let mut text: String = line.chars().skip(skip).take(WINDOW).collect();
        let mut indent = before - skip;
        if skip > 0 {
            text.insert_str(0, "… ");
            indent += 2;
        }
        if skip + WINDOW < length {
            text.push_str(" …");
        }
        Self { text: sanitize(&text), indent, width: width.min(WINDOW / 2) }
    }
}

/// One column for each character, and nothing that a terminal would obey.
fn sanitize(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { line, column, what, hint, excerpt, .. } = self;
        writeln!(f, "{}:{line}:{column}: {what}", self.path.display())?;
        writeln!(f, "{line:>4} | {}", excerpt.text)?;
        let carets = "^".repeat(excerpt.width);
        write!(f, "     | {:indent$}{carets} {hint}", "", indent = excerpt.indent)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, span: Range<usize>) -> String {
        Fault::new(Path::new("f.json"), text, span, "what".into(), "hint".into()).to_string()
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        assert_eq!(show("{\n  \"a\": 1\n}", 4..7), "f.json:2:3: what\n   2 |   \"a\": 1\n     |   ^^^ hint");
        assert_eq!(show("äöü“x", 6..9), "f.json:1:4: what\n   1 | äöü“x\n     |    ^ hint");
        assert_eq!(show("{", 1..1), "f.json:1:2: what\n   1 | {\n     |  ^ hint");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}X{}", "a".repeat(900), "b".repeat(900));
        let shown = show(&text, 900..901);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "f.json:1:901: what");
        assert!(lines[1].chars().count() < 120, "{}", lines[1]);
        let caret = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().nth(caret), Some('X'));
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert!(!show("\u{1b}[2J\u{7}", 0..1).contains('\u{1b}'));
    }
}
