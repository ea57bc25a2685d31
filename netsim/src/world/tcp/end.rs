//! One end of a connection: both halves, and how it opens and closes.

use std::io;
use std::task::Waker;
use std::time::Duration;

use super::receiving::Receiving;
use super::segment::Segment;
use super::sending::Sending;

/// As in the kernel: 1, 2, 4, 8, 16, 32 s, then it gives up.
const SYN_AGAIN: Duration = Duration::from_secs(1);
const SYN_TRIES: u32 = 6;
/// What the tunnel asks of the kernel (`TCP_USER_TIMEOUT`): nothing acknowledged for so long breaks it.
const GIVE_UP: Duration = Duration::from_secs(45);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Our first segment is under way.
    Asking,
    /// Theirs came, and ours answers it.
    Answering,
    Open,
    Broken(io::ErrorKind),
}

#[derive(Debug)]
pub(crate) struct End {
    pub(super) state: State,
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
    tries: u32,
    syn_at: Option<Duration>,
    /// Something is to be acknowledged.
    owes: bool,
    /// When the other end was heard last while something was under way.
    heard: Duration,
    /// Nobody uses it any more.
    pub(super) left: bool,
    pub(super) wakers: Vec<Waker>,
    /// Counts timers, so that an old one is known.
    pub(super) timers: u64,
}

impl End {
    pub(super) fn new(state: State, now: Duration) -> Self {
        Self {
            state,
            sending: Sending::new(),
            receiving: Receiving::default(),
            tries: 0,
            syn_at: Some(now),
            owes: false,
            heard: now,
            left: false,
            wakers: Vec::new(),
            timers: 0,
        }
    }

    pub(super) fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    pub(super) fn fail(&mut self, kind: io::ErrorKind) {
        if !matches!(self.state, State::Broken(_)) {
            self.state = State::Broken(kind);
        }
        self.wake();
    }

    pub(super) fn is_over(&self) -> bool {
        let both = self.sending.is_over() && self.receiving.is_at_end();
        matches!(self.state, State::Broken(_)) || (both && !self.owes)
    }

    /// A segment came.
    pub(super) fn take(&mut self, now: Duration, segment: &Segment) {
        if segment.rst {
            let kind = match self.state {
                State::Asking => io::ErrorKind::ConnectionRefused,
                _ => io::ErrorKind::ConnectionReset,
            };
            return self.fail(kind);
        }
        self.heard = now;
        match self.state {
            State::Asking if segment.syn => {
                self.state = State::Open;
                self.owes = true;
                self.syn_at = None;
            }
            State::Answering if !segment.syn => {
                self.state = State::Open;
                self.syn_at = None;
            }
            // Our answer to their first segment was lost.
            State::Answering => self.syn_at = Some(now),
            // So was our acknowledgement of their answer.
            _ if segment.syn => self.owes = true,
            _ => {}
        }
        if self.state == State::Open && !segment.syn {
            self.sending.acknowledged(now, segment);
            if !segment.data.is_empty() || segment.fin {
                self.receiving.take(segment);
                self.owes = true;
            }
        }
        self.wake();
    }

    /// The next segment to send, if any.
    pub(super) fn next(&mut self, now: Duration) -> Option<Segment> {
        match self.state {
            State::Broken(_) => None,
            State::Asking | State::Answering => self.syn(now),
            State::Open => {
                let (number, data, fin) = match self.sending.next(now) {
                    Some(next) => next,
                    None if self.owes => (u64::MAX, bytes::Bytes::new(), false),
                    None => return None,
                };
                self.owes = false;
                Some(Segment { number, data, fin, ..self.acknowledgement() })
            }
        }
    }

    fn acknowledgement(&self) -> Segment {
        let receiving = &self.receiving;
        Segment {
            ack: Some(receiving.ack()),
            sacks: receiving.sacks(),
            window: receiving.window(),
            ..Segment::default()
        }
    }

    fn syn(&mut self, now: Duration) -> Option<Segment> {
        self.syn_at.filter(|at| *at <= now)?;
        if self.tries >= SYN_TRIES {
            self.fail(io::ErrorKind::TimedOut);
            return None;
        }
        self.syn_at = Some(now + SYN_AGAIN * 2u32.pow(self.tries));
        self.tries += 1;
        let ack = (self.state == State::Answering).then_some(0);
        Some(Segment { syn: true, ack, window: self.receiving.window(), ..Segment::default() })
    }

    /// When it wants to be woken.
    pub(super) fn timer(&self) -> Option<Duration> {
        match self.state {
            State::Broken(_) => None,
            State::Asking | State::Answering => self.syn_at,
            State::Open => self.sending.timer(),
        }
    }

    pub(super) fn timed_out(&mut self, now: Duration) {
        if self.state == State::Open && self.sending.timer().is_some_and(|timer| timer <= now) {
            if now.saturating_sub(self.heard) > GIVE_UP {
                return self.fail(io::ErrorKind::TimedOut);
            }
            self.sending.timed_out(now);
        }
    }

    /// The reader made room, which a sender may wait for.
    pub(super) fn opened(&mut self, before: u64) {
        if before < 64 * 1024 && self.receiving.window() >= 64 * 1024 {
            self.owes = true;
        }
    }
}
