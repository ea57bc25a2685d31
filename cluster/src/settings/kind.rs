//! What a setting takes.

use std::time::Duration;

use serde_json::Value;

/// The type of a setting, with its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string such as `"30s"`.
    Time { least: Duration, most: Duration },
    /// A whole number.
    Number { least: u64, most: u64 },
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// What a person wrote, as the value that is kept.
    ///
    /// # Errors
    /// Says what is taken instead.
    pub fn read(self, text: &str) -> Result<Value, String> {
        let refused = || format!("`{}` is not {self}", text.chars().take(80).collect::<String>());
        match self {
            Self::Time { least, most } => {
                let span = config::duration::parse(text).map_err(|_| refused())?;
                let within = (least..=most).contains(&span);
                let text = config::duration::format(span);
                within.then(|| Value::from(text)).ok_or_else(refused)
            }
            Self::Number { least, most } => {
                let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
                number.map(Value::from).ok_or_else(refused)
            }
            Self::Switch => text.parse::<bool>().map(Value::from).map_err(|_| refused()),
            Self::Choice(words) => match words.contains(&text) {
                true => Ok(text.into()),
                false => Err(format!("{}; {}", refused(), config::suggest(text, words))),
            },
        }
    }

    /// What a document has, as the value that counts.
    ///
    /// # Errors
    /// As [`Kind::read`].
    pub fn check(self, value: &Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Time { .. } | Self::Choice(_), Value::String(text)) => self.read(text),
            (Self::Number { .. }, Value::Number(number)) => self.read(&number.to_string()),
            (Self::Switch, Value::Bool(_)) => Ok(value.clone()),
            _ => Err(format!("{} is not {self}", value.to_string().chars().take(80).collect::<String>())),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Time { least, most } => {
                let [least, most] = [*least, *most].map(config::duration::format);
                write!(f, "a time from {least} to {most}")
            }
            Self::Number { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::Switch => f.write_str("true or false"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TIME: Kind = Kind::Time { least: Duration::from_secs(1), most: Duration::from_secs(60) };
    const NUMBER: Kind = Kind::Number { least: 1, most: 500 };
    const WORD: Kind = Kind::Choice(&["info", "debug"]);

    #[test]
    fn what_is_written_in_several_ways_is_kept_in_one() {
        assert_eq!(TIME.read("60 s"), Ok(json!("1m")));
        assert_eq!(TIME.check(&json!("1m")), Ok(json!("1m")));
        assert_eq!(NUMBER.read("7"), Ok(json!(7)));
        assert_eq!(NUMBER.check(&json!(500)), Ok(json!(500)));
        assert_eq!(Kind::Switch.read("false"), Ok(json!(false)));
        assert_eq!(WORD.read("debug"), Ok(json!("debug")));
    }

    #[test]
    fn what_is_not_taken_is_told_with_what_is() {
        for (kind, text, says) in [
            (TIME, "61s", "`61s` is not a time from 1s to 1m"),
            (TIME, "30", "is not a time"),
            (NUMBER, "0", "a whole number from 1 to 500"),
            (NUMBER, "-1", "a whole number"),
            (Kind::Switch, "yes", "`yes` is not true or false"),
            (WORD, "debgu", "did you mean `debug`?"),
        ] {
            let error = kind.read(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        for (kind, value) in [(NUMBER, json!("7")), (TIME, json!(30)), (Kind::Switch, json!("true"))] {
            assert!(kind.check(&value).is_err(), "{value}");
        }
    }
}
