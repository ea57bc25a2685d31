//! How deep the brackets of a source are, found without parsing it: boa's parser recurses, about 11 KiB of stack for each
//! level. A runner that overflows its stack harms nobody; this gives its author a better message.

/// The deepest that is parsed.
pub const MAX_DEPTH: usize = 200;

/// The deepest level of brackets outside of texts and comments. A regular expression is told from a division by what stands
/// before it; where that is wrong, the answer may be too.
pub fn depth(source: &str) -> usize {
    let mut scan = Scan { rest: source.as_bytes(), last: b'(', deepest: 0, open: Vec::new() };
    while scan.step() {}
    scan.deepest
}

struct Scan<'a> {
    rest: &'a [u8],
    /// The last byte that meant something.
    last: u8,
    deepest: usize,
    /// Brackets that are open; a backtick stands for the `${` of a template.
    open: Vec<u8>,
}

impl Scan<'_> {
    fn step(&mut self) -> bool {
        let Some((&byte, rest)) = self.rest.split_first() else { return false };
        self.rest = rest;
        match byte {
            b'"' | b'\'' => self.text(byte),
            b'`' => self.template(),
            b'/' if rest.first() == Some(&b'/') => self.until(b"\n"),
            b'/' if rest.first() == Some(&b'*') => self.until(b"*/"),
            b'/' if self.is_regex() => self.regex(),
            b'(' | b'[' | b'{' => self.push(byte),
            b'}' if self.open.last() == Some(&b'`') => {
                self.open.pop();
                self.template();
            }
            b')' | b']' | b'}' => drop(self.open.pop()),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            self.last = byte;
        }
        true
    }

    fn push(&mut self, bracket: u8) {
        self.open.push(bracket);
        self.deepest = self.deepest.max(self.open.len());
    }

    fn is_regex(&self) -> bool {
        let ends_value = self.last.is_ascii_alphanumeric() || b")]}_$\"'`".contains(&self.last);
        !ends_value
    }

    fn until(&mut self, end: &[u8]) {
        let at = self.rest.windows(end.len()).position(|window| window == end);
        self.rest = at.map_or(&[], |at| &self.rest[at + end.len()..]);
    }

    fn text(&mut self, quote: u8) {
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'\\' => self.rest = rest.get(1..).unwrap_or_default(),
                b'\n' => return,
                byte if byte == quote => return,
                _ => {}
            }
        }
    }

    fn template(&mut self) {
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'\\' => self.rest = rest.get(1..).unwrap_or_default(),
                b'`' => return,
                b'$' if rest.first() == Some(&b'{') => {
                    self.rest = &rest[1..];
                    return self.push(b'`');
                }
                _ => {}
            }
        }
    }

    fn regex(&mut self) {
        let mut in_class = false;
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'\\' => self.rest = rest.get(1..).unwrap_or_default(),
                b'[' => in_class = true,
                b']' => in_class = false,
                b'\n' => return,
                b'/' if !in_class => return,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_texts_and_comments_do_not_count() {
        let cases = [
            ("function(i) { return i.servers[0] }", 2),
            ("'((((' + \"[[[[\" // ((((\n /* {{{{ */ ()", 1),
            ("/((((/.test(x)", 1),
            ("a / (b) / [c]", 1),
            ("`((${ f(`[[${ [1] }`) }((`", 4),
            ("'\\'((' ()", 1),
            ("/[/(]((/ ()", 1),
        ];
        for (source, expected) in cases {
            assert_eq!(depth(source), expected, "{source}");
        }
        assert_eq!(depth(&"(".repeat(100_000)), 100_000);
        assert_eq!(depth(&"(/*)*/".repeat(300)), 300);
        for unfinished in ["'", "\"\\", "`${", "/*", "//", "/x", "}", "`\\"] {
            depth(unfinished);
        }
    }
}
