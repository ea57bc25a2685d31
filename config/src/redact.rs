//! Keeps secrets out of shown lines.

/// Parts of key names whose values are never shown.
const SECRET_NAMES: [&str; 7] =
    ["token", "password", "secret", "nkey", "credentials", "privatekey", "apikey"];

const OPENING: &str = "\"'“„‟«‘‚";
const CLOSING: &str = "\"'”“‟»’‘";

/// Whether the value of a key of this name must not be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|name| key.contains(name))
}

/// The line with every character of a secret value replaced by `*`. It may be broken JSON, so this does not parse:
/// what follows a secret's name and a colon is hidden up to the closing quote, the next comma, or the end.
pub(crate) fn line(text: &str) -> String {
    let mut out: Vec<char> = text.chars().collect();
    let lower: Vec<char> = out.iter().map(char::to_ascii_lowercase).collect();
    for name in SECRET_NAMES {
        let name: Vec<char> = name.chars().collect();
        for at in 0..lower.len() {
            if lower[at..].starts_with(&name) {
                hide_value(&mut out, at + name.len());
            }
        }
    }
    hide_logins(&mut out);
    out.into_iter().collect()
}

/// In an address such as `mongodb://name:password@host` what is before the `@`.
fn hide_logins(line: &mut [char]) {
    let ends = |c: &char| c.is_whitespace() || OPENING.contains(*c) || CLOSING.contains(*c);
    let mut at = 0;
    while at < line.len() {
        if !line[at..].starts_with(&[':', '/', '/']) {
            at += 1;
            continue;
        }
        let address = &mut line[at + 3..];
        let length = address.iter().position(ends).unwrap_or(address.len());
        let login = address[..length].iter().rposition(|&c| c == '@').unwrap_or(0);
        address[..login].fill('*');
        // Another one in it is hidden by now, or has no login.
        at += 3 + length;
    }
}

/// `after` is the index behind the secret's name.
fn hide_value(line: &mut [char], after: usize) {
    // The rest of the key, its closing quote and white space; more than this and it was no key.
    let Some(colon) = line[after..].iter().take(40).position(|&c| c == ':').map(|i| after + i) else {
        return;
    };
    let Some(start) = line[colon + 1..].iter().position(|c| !c.is_whitespace()).map(|i| colon + 1 + i) else {
        return;
    };
    let quoted = OPENING.contains(line[start]);
    let mut at = if quoted { start + 1 } else { start };
    while at < line.len() {
        let c = line[at];
        let ends =
            if quoted { CLOSING.contains(c) && closes(line, at) } else { matches!(c, ',' | '}' | ']') };
        if ends {
            break;
        }
        line[at] = '*';
        at += 1;
    }
}

/// Whether the quote at `at` ends the value: it is not escaped, and a comma, bracket or the end follows.
fn closes(line: &[char], at: usize) -> bool {
    let escaped = at > 0 && line[at - 1] == '\\';
    let next = line[at + 1..].iter().find(|c| !c.is_whitespace());
    !escaped && next.is_none_or(|c| matches!(c, ',' | '}' | ']'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_hidden_and_columns_stay() {
        let cases = [
            (r#"{"token": "hunter2", "port": 1}"#, r#"{"token": "*******", "port": 1}"#),
            ("“joinToken”: “hunter2”,", "“joinToken”: “*******”,"),
            (r#""password": hunter2, "a": 1"#, r#""password": *******, "a": 1"#),
            (r#""token": "hunter2"#, r#""token": "*******"#),
            (r#""token": "hun"ter", "port": 1"#, r#""token": "*******", "port": 1"#),
            (r#""host": "gw""#, r#""host": "gw""#),
            ("mongodb://a:b@h1,h2/x://c@h3 ://d@h4", "mongodb://***************@h3 ://*@h4"),
            ("://a://b://@", "://********@"),
        ];
        for (shown, expected) in cases {
            assert_eq!(line(shown), expected);
        }
    }

    proptest! {
        #[test]
        fn a_well_formed_secret_is_never_shown(secret in "[A-Za-z0-9]{8,40}", spaces in " {0,3}") {
            let text = format!(r#"{{"host": "gw",{spaces}"token"{spaces}:{spaces}"{secret}", "port": 3}}"#);
            prop_assert!(!line(&text).contains(&secret));
            prop_assert_eq!(line(&text).chars().count(), text.chars().count());
        }

        #[test]
        fn any_line_is_taken(text in "[“\"token:,}\\\\ ]{0,60}") {
            prop_assert_eq!(line(&text).chars().count(), text.chars().count());
        }
    }
}
