//! Words on a session's screen. Where the machine has no program that shows some, they are in the session object only,
//! which every page shows, and in the session's log.

use std::ffi::OsString;

use cluster::session::{EndReason, Kind, SessionId, Warning};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::account::Account;
use super::launch::Launcher;
use super::process::Role;
use super::{Inner, SessionError, programs};

/// Seconds that the words stay.
const STAYS: &str = "120";

pub(super) fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%H:%M").to_string()
}

pub(super) fn because(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Disconnected => "nobody looks at it",
        EndReason::Idle => "nobody does anything in it: press a key to keep it",
        _ => "its time is over then. Save your work",
    }
}

/// Tries to say it on the screen.
pub(super) async fn show(inner: &Inner, id: &SessionId, warning: &Warning) {
    match try_to(inner, id, warning).await {
        Ok(true) => tracing::info!(session = %id, "its people are warned on the screen: {}", warning.text),
        Ok(false) => {
            tracing::info!(session = %id, "no program here warns on a screen (zenity, xmessage): {}", warning.text)
        }
        Err(error) => tracing::warn!(session = %id, %error, "its people are not warned on the screen"),
    }
}

async fn try_to(inner: &Inner, id: &SessionId, warning: &Warning) -> Result<bool, SessionError> {
    let session = inner.all().get(id).map(|entry| entry.record.session.clone());
    let Some(session) = session.filter(|session| session.kind == Kind::Xvnc) else { return Ok(false) };
    let (Some(display), Some(words)) =
        (session.display, words(&warning.text, |name| programs::find(name).is_some()))
    else {
        return Ok(false);
    };
    let own = Account::own().await;
    let account = if session.uid == own.uid { own } else { Account::find(&session.user).await? };
    let place = inner.place(id);
    let mut launcher = Launcher::new(account, id.clone(), &session.params, place.log());
    launcher.set("DISPLAY", display);
    launcher.set("XAUTHORITY", place.run().join("xauth"));
    launcher.start(Role::Aid, &words).map(|_| true)
}

/// The first program that is there.
fn words(text: &str, has: impl Fn(&str) -> bool) -> Option<Vec<OsString>> {
    let told = |words: &[&str]| Some(words.iter().map(OsString::from).collect());
    // The text is ours and holds no markup.
    if has("zenity") {
        return told(&["zenity", "--warning", "--no-markup", "--timeout", STAYS, "--text", text]);
    }
    if has("xmessage") {
        return told(&["xmessage", "-center", "-timeout", STAYS, text]);
    }
    has("xterm")
        .then(|| told(&["xterm", "-T", "Warning", "-e", "sh", "-c", "echo \"$0\"; sleep 120", text]))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_one_argument_whatever_shows_them() {
        for there in ["zenity", "xmessage", "xterm"] {
            let words = words("It ends; $(now).", |name| name == there).unwrap();
            assert_eq!(
                (words[0].to_str(), words.last().unwrap().to_str()),
                (Some(there), Some("It ends; $(now)."))
            );
        }
        assert_eq!(words("x", |_| false), None);
        assert_eq!(clock(Timestamp::from_second(0).unwrap()).len(), 5);
    }
}
