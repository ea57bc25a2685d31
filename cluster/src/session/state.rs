//! What a session can be, and what makes it something else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// A batch system has it, and it has not begun.
    Pending,
    /// Its display is not up yet.
    #[default]
    Starting,
    /// It is up, and nobody has looked at it yet.
    Running,
    /// Somebody looks at it.
    Connected,
    /// Nobody looks at it any more.
    Disconnected,
    /// It was told to end.
    Ending,
    Ended,
}

/// What happens to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its job runs.
    Begun,
    /// Its display takes viewers.
    Up,
    /// The first viewer came.
    Viewed,
    /// The last viewer went.
    Left,
    /// A person or a rule wants it to end.
    End,
    /// Its display or its program is gone.
    Gone,
}

/// Every change there is; what is not here does not happen.
const TABLE: &[(State, Event, State)] = &[
    (State::Pending, Event::Begun, State::Starting),
    (State::Pending, Event::End, State::Ending),
    (State::Pending, Event::Gone, State::Ended),
    (State::Starting, Event::Up, State::Running),
    (State::Starting, Event::End, State::Ending),
    (State::Starting, Event::Gone, State::Ended),
    (State::Running, Event::Viewed, State::Connected),
    (State::Running, Event::End, State::Ending),
    (State::Running, Event::Gone, State::Ended),
    (State::Connected, Event::Left, State::Disconnected),
    (State::Connected, Event::End, State::Ending),
    (State::Connected, Event::Gone, State::Ended),
    (State::Disconnected, Event::Viewed, State::Connected),
    (State::Disconnected, Event::End, State::Ending),
    (State::Disconnected, Event::Gone, State::Ended),
    (State::Ending, Event::Gone, State::Ended),
];

impl State {
    /// What it becomes; `None`: this does not happen to it.
    pub fn after(self, event: Event) -> Option<Self> {
        TABLE.iter().find(|(from, what, _)| (*from, *what) == (self, event)).map(|(_, _, to)| *to)
    }

    /// Whether there is a display to look at.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Connected | Self::Disconnected)
    }

    /// As it stands in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Ending => "ending",
            Self::Ended => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 7] = [
        State::Pending,
        State::Starting,
        State::Running,
        State::Connected,
        State::Disconnected,
        State::Ending,
        State::Ended,
    ];

    #[test]
    fn every_session_can_end_and_an_ended_one_is_nothing_else_any_more() {
        for state in STATES {
            let gone = state.after(Event::Gone);
            assert_eq!(gone, (state != State::Ended).then_some(State::Ended), "{state:?}");
            for event in [Event::Begun, Event::Up, Event::Viewed, Event::Left, Event::End, Event::Gone] {
                assert!(state != State::Ended || state.after(event).is_none(), "{event:?}");
            }
        }
    }

    #[test]
    fn only_what_is_up_has_viewers_and_the_table_names_each_change_once() {
        for state in STATES {
            let viewed = state.after(Event::Viewed).is_some() || state == State::Connected;
            assert_eq!(viewed, state.is_up(), "{state:?}");
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        for (at, (from, event, _)) in TABLE.iter().enumerate() {
            assert!(!TABLE[at + 1..].iter().any(|(f, e, _)| (f, e) == (from, event)), "{from:?} {event:?}");
        }
    }
}
