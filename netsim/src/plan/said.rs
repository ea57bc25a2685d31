//! Faults in a few words, and when each is felt.

use std::fmt::{Display, Formatter};
use std::time::Duration;

use super::{Action, Plan};
use crate::boxes::Udp;

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kill(host) => write!(f, "{host} killed"),
            Self::Start(host) => write!(f, "{host} starts"),
            Self::Restart(host) => write!(f, "{host} killed and started"),
            Self::Drain(host) => write!(f, "{host} drains"),
            Self::Pause(host) => write!(f, "{host} paused"),
            Self::Resume(host) => write!(f, "{host} goes on"),
            Self::Cut(path) => write!(f, "{path} cut"),
            Self::Mend(path) => write!(f, "{path} mended"),
            Self::Lose(part) => write!(f, "{} lost", part.word()),
            Self::Restore(part) => write!(f, "{} back", part.word()),
            Self::Rebind(path) => write!(f, "NAT of {path} rebinds"),
            Self::Udp(udp) => write!(f, "{} on {}", udp.becomes, udp.path),
            Self::Change(change) => write!(f, "{} changes", change.path),
        }
    }
}

impl Display for Udp {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => f.write_str("UDP open"),
            Self::Blocked => f.write_str("UDP blocked"),
            Self::BlockedAfter(end) => write!(f, "UDP blocked after {end:?}"),
            Self::AtMost(rate) => write!(f, "UDP at most {rate}"),
        }
    }
}

/// A fault while it lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub from: Duration,
    /// The same as `from` for a moment's fault; the plan's end for one that is not undone.
    pub to: Duration,
    pub text: String,
}

/// Every fault with its repetitions, by their beginning.
pub(super) fn spans(plan: &Plan) -> Vec<Span> {
    let mut spans = Vec::new();
    for fault in &plan.faults {
        let mut from = fault.at;
        while from < plan.length {
            let undone = fault.action.undone(plan).is_some();
            let to = match fault.lasts {
                Some(lasts) => from.saturating_add(lasts).min(plan.length),
                None if undone && fault.every.is_none() => plan.length,
                None => from,
            };
            spans.push(Span { from, to, text: fault.action.to_string() });
            match fault.every {
                Some(every) => from = from.saturating_add(every),
                None => break,
            }
        }
    }
    spans.sort_by_key(|span| span.from);
    spans
}
