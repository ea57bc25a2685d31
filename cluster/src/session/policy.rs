//! When a session ends although nobody ended it. Pure: time comes from the caller.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EndReason, Session, State};

/// People are warned so long before; of a short time a fifth.
const WARNED_BEFORE: Duration = Duration::from_secs(300);

/// Rules for one session; a rule that is not there does not count. Times are strings such as `"30m"` or `"8h"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Policy {
    /// Ends so long after the last viewer left.
    #[serde(with = "config::duration::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub end_after_disconnect: Option<Duration>,
    /// Ends so long after the last key, click or paste of a viewer.
    #[serde(with = "config::duration::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub end_when_idle: Option<Duration>,
    /// Ends so long after it started.
    #[serde(with = "config::duration::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub longest: Option<Duration>,
}

/// What the rules say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Nothing,
    /// It ends then, unless somebody does something about it.
    Soon(EndReason, Timestamp),
    Now(EndReason),
}

impl Policy {
    /// What is to be done about `session`.
    pub fn due(&self, session: &Session, now: Timestamp) -> Due {
        if !session.state.is_up() {
            return Due::Nothing;
        }
        let quiet_since = [session.last_input, session.last_connect].into_iter().flatten().max();
        let left = session.last_disconnect.filter(|_| session.state == State::Disconnected);
        let ends = [
            (EndReason::Deadline, self.longest, Some(session.started)),
            (EndReason::Disconnected, self.end_after_disconnect, left),
            (EndReason::Idle, self.end_when_idle, Some(quiet_since.unwrap_or(session.started))),
        ];
        let ends = ends.into_iter().filter_map(|(why, span, since)| {
            let (span, since) = (span?, since?);
            let at = since.checked_add(SignedDuration::try_from(span).ok()?).ok()?;
            Some((at, why, span))
        });
        match ends.min_by_key(|(at, ..)| *at) {
            Some((at, why, _)) if at <= now => Due::Now(why),
            Some((at, why, span)) if at.duration_since(now) <= warned_before(span) => Due::Soon(why, at),
            _ => Due::Nothing,
        }
    }
}

fn warned_before(span: Duration) -> SignedDuration {
    SignedDuration::try_from(WARNED_BEFORE.min(span / 5)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn minutes(minutes: u64) -> Option<Duration> {
        Some(Duration::from_secs(60 * minutes))
    }

    #[test]
    fn each_rule_warns_first_and_ends_then() {
        let session = |state| Session { state, started: at(0), ..Session::default() };
        let up = session(State::Running);
        let left = Session {
            last_connect: Some(at(10)),
            last_disconnect: Some(at(60)),
            ..session(State::Disconnected)
        };
        let typed = Session { last_input: Some(at(600)), ..session(State::Connected) };
        let longest = Policy { longest: minutes(60), ..Policy::default() };
        let gone = Policy { end_after_disconnect: minutes(10), ..Policy::default() };
        let idle = Policy { end_when_idle: minutes(10), ..Policy::default() };
        use EndReason::{Deadline, Disconnected, Idle};
        let cases = [
            (Policy::default(), &up, 1_000_000, Due::Nothing),
            (longest, &up, 3299, Due::Nothing),
            (longest, &up, 3300, Due::Soon(Deadline, at(3600))),
            (longest, &up, 3600, Due::Now(Deadline)),
            (gone, &up, 3600, Due::Nothing),
            (gone, &left, 539, Due::Nothing),
            (gone, &left, 540, Due::Soon(Disconnected, at(660))),
            (gone, &left, 660, Due::Now(Disconnected)),
            (gone, &Session { state: State::Connected, ..left.clone() }, 9999, Due::Nothing),
            (idle, &up, 600, Due::Now(Idle)),
            (idle, &typed, 1079, Due::Nothing),
            (idle, &typed, 1199, Due::Soon(Idle, at(1200))),
            (idle, &typed, 1200, Due::Now(Idle)),
            (longest, &session(State::Ending), 9999, Due::Nothing),
            (Policy { end_when_idle: minutes(1), ..longest }, &up, 70, Due::Now(Idle)),
        ];
        for (number, (policy, session, seconds, due)) in cases.into_iter().enumerate() {
            assert_eq!(policy.due(session, at(seconds)), due, "case {number}");
        }
    }

    #[test]
    fn times_are_written_as_everywhere() {
        let policy: Policy = serde_json::from_str(r#"{ "endWhenIdle": "30m" }"#).unwrap();
        assert_eq!(policy.end_when_idle, minutes(30));
        assert_eq!(serde_json::to_string(&policy).unwrap(), r#"{"endWhenIdle":"30m"}"#);
        assert!(serde_json::from_str::<Policy>(r#"{ "endWhenIdle": 30 }"#).is_err());
    }
}
