//! Characters that a web page or word processor puts in place of those that belong into a configuration file.

/// A character to be replaced: what it is called, and what belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lookalike {
    pub(crate) found: char,
    pub(crate) name: &'static str,
    pub(crate) write: &'static str,
}

impl Lookalike {
    pub(crate) fn of(found: char) -> Option<Self> {
        let (name, write) = match found {
            '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '＂' => {
                ("typographic quote", "\" instead")
            }
            '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' => ("typographic quote", "\" instead"),
            '–' | '—' | '‒' | '‐' | '‑' | '−' | '―' => ("typographic dash", "- instead"),
            '…' => ("ellipsis", "what it stands for"),
            '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' | '\u{3000}' => {
                ("no-break space", "a plain space instead")
            }
            '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}'
            | '\u{ad}' => ("invisible character", "nothing: delete it"),
            '，' | '：' | '；' => ("full-width character", "its plain form"),
            _ => return None,
        };
        Some(Self { found, name, write })
    }

    /// The first one in `text`, with its offset in bytes.
    pub(crate) fn first_in(text: &str) -> Option<(usize, Self)> {
        text.char_indices().find_map(|(at, c)| Some((at, Self::of(c)?)))
    }

    pub(crate) fn what(self) -> String {
        let code = u32::from(self.found);
        if matches!(self.name, "no-break space" | "invisible character") {
            return format!("{} U+{code:04X}, probably pasted from a web page", self.name);
        }
        format!("{} {} (U+{code:04X}), probably pasted from a web page", self.name, self.found)
    }

    pub(crate) fn hint(self) -> String {
        format!("write {}", self.write)
    }
}
