//! What is not JSON, said in the words of the person who wrote it.

use std::path::Path;

use serde::de::IgnoredAny;

use crate::fault::Fault;
use crate::typography::Lookalike;

/// The text in `bytes`, when it is JSON.
pub(crate) fn check(path: &Path, bytes: Vec<u8>) -> Result<String, Box<Fault>> {
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    if text.starts_with('\u{feff}') {
        let what = "the file begins with a byte order mark (BOM), which JSON does not allow".into();
        let hint = format!("remove it: sed -i '1s/^\\xEF\\xBB\\xBF//' '{}'", path.display());
        return Err(Fault::new(path, &text, 0..3, what, hint).into());
    }
    if text.trim().is_empty() {
        let what = "the file is empty".into();
        return Err(
            Fault::new(path, &text, 0..0, what, "write at least {} here, or remove the file".into()).into()
        );
    }
    match serde_json::from_str::<IgnoredAny>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(explain(path, &text, &error).into()),
    }
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Box<Fault> {
    let at = error.utf8_error().valid_up_to();
    let byte = error.as_bytes()[at];
    let text = String::from_utf8_lossy(error.as_bytes());
    let what = format!("byte 0x{byte:02X} is not UTF-8");
    // What is valid is the same in the lossy text, so the offset is too.
    Fault::new(path, &text, at..at + 1, what, "save the file as UTF-8".into()).into()
}

fn explain(path: &Path, text: &str, error: &serde_json::Error) -> Fault {
    let at = offset(text, error.line(), error.column());
    if let Some((place, found)) = lookalike(text, at) {
        let span = place..place + found.found.len_utf8();
        return Fault::new(path, text, span, found.what(), found.hint());
    }
    let (at, what, hint) = name(text, at, error);
    Fault::new(path, text, at..at + 1, what, hint)
}

/// serde_json counts lines from 1 and bytes in the line, up to and with the one it stopped at.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    text.floor_char_boundary((start + column).saturating_sub(1).min(text.len()))
}

/// A typographic character is the cause where the reader stopped, and also before that on the same line: a string
/// that should have ended at one runs on to the next plain quote.
fn lookalike(text: &str, at: usize) -> Option<(usize, Lookalike)> {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    let (found, lookalike) = Lookalike::first_in(&text[line..end])?;
    Some((line + found, lookalike))
}

/// Place, what is wrong there, and what to write.
fn name(text: &str, at: usize, error: &serde_json::Error) -> (usize, String, String) {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let rest = &text[at..];
    let previous = text[..at].trim_end().len().saturating_sub(1);
    if said == "trailing comma" || (rest.starts_with(['}', ']']) && text[..at].trim_end().ends_with(',')) {
        return (previous, "trailing comma: nothing follows it".into(), "remove it".into());
    }
    if error.is_eof() {
        let inside = said.strip_prefix("EOF while parsing ").unwrap_or("a value");
        let hint = format!("close what is open: the end of {inside} is missing");
        return (text.trim_end().len(), "the file ends too early".into(), hint);
    }
    if rest.starts_with('\'') {
        return (at, "single quote".into(), "write \" instead".into());
    }
    if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') {
        return (at, "JSON has no comments".into(), "remove it".into());
    }
    match said {
        "expected `,` or `}`" | "expected `,` or `]`" => {
            (at, "a comma is missing".into(), "put a comma before this".into())
        }
        "expected `:`" => (at, "a colon is missing".into(), "put a colon between key and value".into()),
        "key must be a string" => (at, "a key must stand in quotes".into(), "write it as \"key\"".into()),
        "trailing characters" => {
            (at, "something follows the end of the JSON value".into(), "remove it".into())
        }
        "expected value" | "expected ident" => {
            let hint = "a value is a \"string\", a number, true, false, null, {…} or […]".into();
            (at, "no JSON value".into(), hint)
        }
        said if said.starts_with("control character") => control_character(text, at),
        said => (at, format!("not JSON: {said}"), String::new()),
    }
}

fn control_character(text: &str, from: usize) -> (usize, String, String) {
    let at = text[from..].find(char::is_control).map_or(from, |found| from + found);
    match text[at..].chars().next() {
        Some('\n' | '\r') | None => (
            at,
            "a string does not end on its line".into(),
            "close it with \"; a line break in it is \\n".into(),
        ),
        Some(c) => {
            let code = u32::from(c);
            (
                at,
                format!("control character U+{code:04X} in a string"),
                format!("write \\u{code:04x} instead"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(text: impl Into<Vec<u8>>) -> (usize, usize, String) {
        let fault = check(Path::new("f.json"), text.into()).unwrap_err();
        (fault.line(), fault.column(), fault.to_string())
    }

    fn assert_fault(text: &str, line: usize, column: usize, says: &str) {
        let (l, c, shown) = fault(text);
        assert_eq!((l, c), (line, column), "{shown}");
        assert!(shown.contains(says), "{shown}");
    }

    #[test]
    fn what_a_web_page_made_of_quotes_and_dashes_is_named() {
        assert_fault("{\n  “host”: \"gw\"\n}", 2, 3, "typographic quote “ (U+201C)");
        assert_fault("{\n  \"host”: \"gw\"\n}", 2, 8, "typographic quote ” (U+201D)");
        assert_fault("{\n  \"host\": “gw”\n}", 2, 11, "typographic quote “ (U+201C)");
        assert_fault("{\n  \"host\": \"gw”\n}", 2, 14, "typographic quote ” (U+201D)");
        assert_fault("{\n  \"host\": \"gw”", 2, 14, "typographic quote ” (U+201D)");
        assert_fault("{ ‘a’: 1 }", 1, 3, "typographic quote ‘");
        assert_fault("{ \"a\": –1 }", 1, 8, "typographic dash – (U+2013)");
        assert_fault("{\n\u{a0} \"a\": 1 }", 2, 1, "no-break space U+00A0");
        assert_fault("{\u{200b}\"a\": 1 }", 1, 2, "invisible character U+200B");
    }

    #[test]
    fn typography_inside_a_good_string_is_nobodys_business() {
        assert!(check(Path::new("f"), "{ \"motd\": \"“Hello” – you\" }".into()).is_ok());
        assert_fault("{ \"motd\": \"“Hello”\",\n }", 1, 20, "trailing comma");
    }

    #[test]
    fn slips_are_named() {
        assert_fault("", 1, 1, "the file is empty");
        assert_fault(" \n\t\n", 1, 1, "the file is empty");
        assert_fault("\u{feff}{}", 1, 1, "byte order mark (BOM)");
        assert_fault("{\n  \"a\": 1,\n}", 2, 9, "trailing comma");
        assert_fault("[1, 2, ]", 1, 6, "trailing comma");
        assert_fault("{\n  \"a\": 1\n  \"b\": 2\n}", 3, 3, "a comma is missing");
        assert_fault("{ \"a\" 1 }", 1, 7, "a colon is missing");
        assert_fault("{ a: 1 }", 1, 3, "a key must stand in quotes");
        assert_fault("{ 'a': 1 }", 1, 3, "single quote");
        assert_fault("{ \"a\": 'x' }", 1, 8, "single quote");
        assert_fault("{ // why\n  \"a\": 1 }", 1, 3, "JSON has no comments");
        assert_fault("{ \"a\": 1, # why\n  \"b\": 1 }", 1, 11, "JSON has no comments");
        assert_fault("{ \"a\": yes }", 1, 8, "no JSON value");
        assert_fault("{ \"a\": 1 } }", 1, 12, "something follows");
        assert_fault("{ \"a\": {\n", 1, 9, "the file ends too early");
        assert_fault("{ \"a\": \"x\n}", 1, 10, "does not end on its line");
        assert_fault("{ \"a\": \"x\ty\" }", 1, 10, "control character U+0009");
    }

    #[test]
    fn a_byte_that_is_not_utf8_is_named() {
        let (line, column, shown) = fault(b"{\n \"a\": \"\xe4\" }".to_vec());
        assert_eq!((line, column), (2, 8), "{shown}");
        assert!(shown.contains("byte 0xE4 is not UTF-8"), "{shown}");
    }

    #[test]
    fn deep_nesting_is_no_stack_overflow() {
        let shown = fault("[".repeat(500_000)).2;
        assert!(shown.contains("the file ends too early") || shown.contains("recursion"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _either = check(Path::new("f"), bytes);
        }

        #[test]
        fn almost_json_is_taken(text in "[{}\\[\\]\":, \n“”–'a1/\u{feff}]{0,60}") {
            if let Err(fault) = check(Path::new("f"), text.clone().into()) {
                prop_assert!(fault.line() <= text.matches('\n').count() + 1);
            }
        }
    }
}
