//! What the output of a job script means. Nothing of it is trusted: it is a user's process that wrote it.

use cluster::session::{Job, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::{End, Said};

/// Characters of what is shown to the user.
const MAX_MESSAGE: usize = 4000;
/// Of the id, the state and the name of a batch system.
const MAX_WORD: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// A session has started: the user is connected to it.
    Connects(SessionId),
    /// The session is to start on this server, now.
    StartsNow,
    /// The session waits for its job.
    Waits(Job),
    /// There will be no session, and the user is told why.
    Refused(String),
}

/// `{"job": {…}, "message": "…"}`, as our templates write it.
#[derive(Deserialize)]
struct Submitted {
    job: Told,
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    id: Option<Value>,
    scheduler: String,
    state: String,
    message: String,
}

/// Of a start.
pub(super) fn verdict(said: &Said) -> Verdict {
    let text = shown(&said.output, MAX_MESSAGE);
    match &said.end {
        End::Done => {}
        End::Failed(how) if text.is_empty() => {
            return Verdict::Refused(format!("the job script failed ({how})"));
        }
        End::Failed(_) => return Verdict::Refused(text),
        End::TooSlow(limit) => {
            return Verdict::Refused(format!("the job script did not end within {} s", limit.as_secs()));
        }
        End::TooMuch => return Verdict::Refused("the job script wrote too much".to_owned()),
    }
    let Ok(value) = serde_json::from_slice::<Value>(&said.output) else { return waits(text) };
    if value.get("start").and_then(Value::as_str) == Some("now") {
        return Verdict::StartsNow;
    }
    if let Some(id) = started(&value) {
        return Verdict::Connects(id);
    }
    job(&value).map_or_else(|| waits(text), Verdict::Waits)
}

/// What the job's state is now; none if the script does not know.
pub(super) fn state(said: &Said) -> Option<Job> {
    if said.end != End::Done {
        return None;
    }
    job(&serde_json::from_slice(&said.output).ok()?)
}

/// The session of a start's result, with or without the `result` around it.
fn started(value: &Value) -> Option<SessionId> {
    let object = value.get("result").unwrap_or(value);
    object.get("geometry").or_else(|| value.get("result"))?;
    SessionId::new(object.get("id")?.as_str()?).ok()
}

fn job(value: &Value) -> Option<Job> {
    let Submitted { job: told, message } = Submitted::deserialize(value).ok()?;
    let id = match told.id {
        Some(Value::String(id)) => Some(id),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    // It comes back to the script as a word of its environment.
    let is_word = |id: &String| !id.is_empty() && id.len() <= MAX_WORD && !id.chars().any(char::is_control);
    let word = |text: String| shown(text.as_bytes(), MAX_WORD);
    let message = if told.message.is_empty() { message } else { told.message };
    let message = shown(message.as_bytes(), MAX_MESSAGE);
    Some(Job { id: id.filter(is_word), scheduler: word(told.scheduler), state: word(told.state), message })
}

fn waits(text: String) -> Verdict {
    let message =
        if text.is_empty() { "The job script has taken it, and said nothing.".to_owned() } else { text };
    Verdict::Waits(Job { message, ..Job::default() })
}

/// As text that steers no terminal; the beginning of what is too long.
pub(super) fn shown(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let clean = |letter: char| match letter {
        '\n' | '\t' => letter,
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    };
    let text = text.trim();
    let mut short: String = text.chars().take(most).map(clean).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn of(output: &[u8], end: End) -> Verdict {
        verdict(&Said { output: output.to_vec(), end })
    }

    #[test]
    fn what_parses_as_a_start_connects_and_anything_else_is_text_for_the_user() {
        let id = SessionId::new("a1b2").unwrap();
        let waits = |message: &str| Verdict::Waits(Job { message: message.into(), ..Job::default() });
        let job = |id: Option<&str>, state: &str, message: &str| {
            let (id, scheduler) = (id.map(str::to_owned), "slurm".to_owned());
            Verdict::Waits(Job { id, scheduler, state: state.into(), message: message.into() })
        };
        let cases: [(&[u8], Verdict); 14] = [
            (br#"{"result":{"id":"a1b2"}}"#, Verdict::Connects(id.clone())),
            (br#"{"id":"a1b2","geometry":"1x1"}"#, Verdict::Connects(id)),
            (br#"{"id":"a1b2"}"#, waits(r#"{"id":"a1b2"}"#)),
            (br#"{"result":{"id":"NO/"}}"#, waits(r#"{"result":{"id":"NO/"}}"#)),
            (br#"{"result":null}"#, waits(r#"{"result":null}"#)),
            (br#"{"start":"now"}"#, Verdict::StartsNow),
            (b"Job <7> is submitted.\n", waits("Job <7> is submitted.")),
            (b"", waits("The job script has taken it, and said nothing.")),
            (b"\x1b[2J\xff\0", waits("\u{fffd}[2J\u{fffd}\u{fffd}")),
            (b"[1]", waits("[1]")),
            (
                br#"{"job":{"id":7,"scheduler":"slurm","state":"PENDING"},"message":"in line"}"#,
                job(Some("7"), "PENDING", "in line"),
            ),
            (br#"{"job":{"id":"7;x","scheduler":"slurm"}}"#, job(Some("7;x"), "", "")),
            (br#"{"job":{"id":"a\nb","scheduler":"slurm"}}"#, job(None, "", "")),
            (br#"{"job":3}"#, waits(r#"{"job":3}"#)),
        ];
        for (output, verdict) in cases {
            assert_eq!(of(output, End::Done), verdict, "{}", String::from_utf8_lossy(output));
        }
    }

    #[test]
    fn a_script_that_fails_hangs_or_floods_refuses_in_words() {
        let refused = |output: &[u8], end| match of(output, end) {
            Verdict::Refused(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(b"no licence left\n", End::Failed("exit status: 1".into())), "no licence left");
        assert_eq!(refused(b"", End::Failed("signal: 9".into())), "the job script failed (signal: 9)");
        assert!(
            refused(br#"{"start":"now"}"#, End::TooSlow(Duration::from_secs(30))).contains("within 30 s")
        );
        assert!(refused(b"x", End::TooMuch).contains("too much"));
        assert_eq!(shown("ä".repeat(10).as_bytes(), 3), "äää…");
    }
}
