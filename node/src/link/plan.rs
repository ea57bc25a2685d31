//! What a link does next: pure, from what it has and what it wants.

use tokio::time::Instant;
use tunnel::Transport;

use crate::gateways::Choice;

/// What a link sees of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) choice: Choice,
    /// Tunnels that take new streams, by carrier.
    pub(crate) quic: usize,
    pub(crate) tls: usize,
    /// QUIC tunnels whose gateway is not heard: perhaps UDP does not pass any more, and the others have yet to notice.
    pub(crate) doubtful: usize,
    /// Tunnels whose gateway said that it goes away.
    pub(crate) leaving: usize,
    pub(crate) wanted: usize,
    pub(crate) dialling: bool,
    /// No dial before this, after a failure.
    pub(crate) retry_at: Option<Instant>,
    /// When QUIC is to be tried again.
    pub(crate) probe_at: Option<Instant>,
}

/// How to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// QUIC first, TLS after a short head start.
    Race,
    Only(Transport),
    /// QUIC again, while TLS carries the tunnels.
    Probe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Dial(How),
    /// Take so many tunnels of this carrier out of service; their streams go on.
    Release(Transport, usize),
    /// Nothing to do until then, or until something happens.
    Wait(Option<Instant>),
}

/// The next step.
pub(crate) fn next(view: &View, now: Instant) -> Step {
    if view.quic > 0 && view.doubtful == 0 && view.tls > 0 && view.choice == Choice::Auto {
        return Step::Release(Transport::Tls, view.tls);
    }
    let live = view.quic + view.tls;
    if live > view.wanted {
        let carrier = if view.quic > 0 { Transport::Quic } else { Transport::Tls };
        return Step::Release(carrier, live - view.wanted);
    }
    if view.dialling {
        return Step::Wait(None);
    }
    let due = |at: Option<Instant>| at.is_none_or(|at| at <= now);
    // A gateway that drains would refuse; when it is gone, the end of its tunnels sets the time to dial.
    let short = live < view.wanted && !(live == 0 && view.leaving > 0);
    if short && due(view.retry_at) {
        return Step::Dial(how(view));
    }
    let probing = view.choice == Choice::Auto && view.tls > 0;
    if probing && view.probe_at.is_some_and(|at| at <= now) {
        return Step::Dial(How::Probe);
    }
    let retry = view.retry_at.filter(|_| short);
    let probe = view.probe_at.filter(|_| probing);
    Step::Wait(retry.into_iter().chain(probe).min())
}

/// More tunnels go the way of those that are open, so that a blocked UDP costs its head start only once.
fn how(view: &View) -> How {
    match view.choice {
        Choice::Quic => How::Only(Transport::Quic),
        Choice::Tls => How::Only(Transport::Tls),
        Choice::Auto if view.quic > 0 && view.doubtful == 0 => How::Only(Transport::Quic),
        Choice::Auto if view.tls > 0 => How::Only(Transport::Tls),
        Choice::Auto => How::Race,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Quic, Tls};
    use std::time::Duration;

    fn idle() -> View {
        View {
            choice: Choice::Auto,
            quic: 0,
            tls: 0,
            doubtful: 0,
            leaving: 0,
            wanted: 1,
            dialling: false,
            retry_at: None,
            probe_at: None,
        }
    }

    #[test]
    fn steps_follow_from_what_is_there() {
        let now = Instant::now();
        let later = now + Duration::from_secs(9);
        let much_later = now + Duration::from_secs(99);
        let table = [
            ("at the start", idle(), Step::Dial(How::Race)),
            ("only QUIC wanted", View { choice: Choice::Quic, ..idle() }, Step::Dial(How::Only(Quic))),
            ("only TLS wanted", View { choice: Choice::Tls, ..idle() }, Step::Dial(How::Only(Tls))),
            ("under way", View { dialling: true, ..idle() }, Step::Wait(None)),
            ("after a failure", View { retry_at: Some(later), ..idle() }, Step::Wait(Some(later))),
            ("its time has come", View { retry_at: Some(now), ..idle() }, Step::Dial(How::Race)),
            ("the gateway drains", View { leaving: 1, ..idle() }, Step::Wait(None)),
            ("content", View { quic: 1, ..idle() }, Step::Wait(None)),
            ("content, old failure", View { quic: 1, retry_at: Some(later), ..idle() }, Step::Wait(None)),
            ("busy", View { quic: 1, wanted: 4, ..idle() }, Step::Dial(How::Only(Quic))),
            ("busy over TLS", View { tls: 1, wanted: 4, ..idle() }, Step::Dial(How::Only(Tls))),
            ("idle again", View { quic: 4, ..idle() }, Step::Release(Quic, 3)),
            ("QUIC is back", View { quic: 1, tls: 2, wanted: 4, ..idle() }, Step::Release(Tls, 2)),
            ("QUIC is in doubt", View { quic: 2, doubtful: 1, wanted: 3, ..idle() }, Step::Dial(How::Race)),
            (
                "doubt keeps TLS",
                View { quic: 2, tls: 1, doubtful: 1, wanted: 4, ..idle() },
                Step::Dial(How::Only(Tls)),
            ),
            ("TLS, waits", View { tls: 1, probe_at: Some(later), ..idle() }, Step::Wait(Some(later))),
            ("TLS, tries QUIC", View { tls: 1, probe_at: Some(now), ..idle() }, Step::Dial(How::Probe)),
            (
                "TLS by choice tries nothing",
                View { choice: Choice::Tls, tls: 1, probe_at: Some(now), ..idle() },
                Step::Wait(None),
            ),
            (
                "the nearest time counts",
                View { tls: 1, wanted: 2, retry_at: Some(much_later), probe_at: Some(later), ..idle() },
                Step::Wait(Some(later)),
            ),
        ];
        for (case, view, step) in table {
            assert_eq!(next(&view, now), step, "{case}");
        }
    }
}
