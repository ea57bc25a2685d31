//! Sessions as a table.

use cluster::session::{Session, State};
use jiff::Timestamp;

use crate::status::span;

const HEAD: [&str; 7] = ["SESSION", "NAME", "USER", "SERVER", "STATE", "SIZE", "AGE"];

/// One line for each, and below it what its people should know.
pub(super) fn render(sessions: &[Session], now: Timestamp, colours: bool) -> String {
    if sessions.is_empty() {
        return "no sessions; fastx start begins one\n".to_owned();
    }
    let rows: Vec<[String; 7]> = sessions.iter().map(|session| row(session, now)).collect();
    let head = HEAD.map(str::to_owned);
    let widths: [usize; 7] = std::array::from_fn(|column| {
        rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    let mut text = line(&head, &widths, None);
    for (session, row) in sessions.iter().zip(&rows) {
        text += &line(row, &widths, Some(colour(session.state)).filter(|_| colours));
        let warning = session.warning.as_ref().map(|warning| &warning.text);
        let waits = session.job.as_ref().filter(|_| session.state == State::Pending).map(|job| &job.message);
        let ended = session.ended.as_ref().map(|ended| &ended.detail);
        for note in warning.into_iter().chain(waits).chain(ended) {
            text += &format!("  {}\n", plain(note));
        }
    }
    text
}

fn line(row: &[String; 7], widths: &[usize; 7], colour: Option<u8>) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match colour {
        Some(colour) if HEAD[column] == "STATE" => format!("\x1b[{colour}m{cell:width$}\x1b[0m"),
        _ => format!("{cell:width$}"),
    });
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}

fn row(session: &Session, now: Timestamp) -> [String; 7] {
    let state = match session.clients {
        0 | 1 => session.state.name().to_owned(),
        clients => format!("{} ({clients})", session.state.name()),
    };
    let short: String = plain(&session.name).chars().take(32).collect();
    [
        session.id.to_string(),
        short,
        plain(&session.user),
        plain(&session.server_id),
        state,
        session.geometry.to_string(),
        span(now.duration_since(session.started).as_secs()),
    ]
}

/// Without what would move a terminal's cursor or change its colours.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() && letter != '\t' { '\u{fffd}' } else { letter })
        .collect()
}

fn colour(state: State) -> u8 {
    match state {
        State::Running | State::Connected => 32,
        State::Pending | State::Starting | State::Disconnected | State::Ending => 33,
        State::Ended => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::session::{EndReason, Ended, SessionId};

    #[test]
    fn an_ended_session_says_why_and_no_name_moves_the_cursor() {
        let now = Timestamp::now();
        let ended = Ended { reason: EndReason::Idle, detail: "nobody did anything".into() };
        let session = Session {
            id: SessionId::new("a1").unwrap(),
            name: "x\x1b[2J".into(),
            user: "alice".into(),
            server_id: "gpu-7".into(),
            state: State::Ended,
            ended: Some(ended),
            started: now - jiff::SignedDuration::from_secs(95),
            ..Session::default()
        };
        let text = render(&[session], now, false);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].starts_with("a1       x\u{fffd}[2J  alice  gpu-7   ended  1280x800  1 min 35 s"),
            "{text}"
        );
        assert_eq!(lines[2], "  nobody did anything");
        assert!(render(&[], now, false).contains("fastx start"));
    }
}
