//! What a script says, made fit to be shown to a person.

/// The longest text of a script that is shown, in characters.
pub const MAX_SHOWN: usize = 500;

/// Without control characters (but for line ends, which become spaces), and cut. Pages still escape it.
pub fn shown(text: &str) -> String {
    cut(text, MAX_SHOWN)
}

/// As [`shown`], to another length.
pub fn cut(text: &str, most: usize) -> String {
    let plain = |c: char| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c };
    let mut letters = text.chars().map(plain).filter(|c| !c.is_control() && !turns(*c));
    let mut short: String = letters.by_ref().take(most).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

/// Characters that turn the direction of what stands after them: a message could pose as another.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_and_cannot_steer_a_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\nc\u{202e}d"), "a[31mb cd");
        assert_eq!(shown(&"x".repeat(10_000_000)).chars().count(), MAX_SHOWN + 1);
    }
}
