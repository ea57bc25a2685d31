//! The sending half of a connection's end: what is under way, what was lost, how much may be under way.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::segment::{MSS, Segment};

/// Taken from the writer and not acknowledged, at most; the kernel's `tcp_wmem` has 4 MiB.
const BUFFER: usize = 4 << 20;
/// A writer waits while this much is not even sent, as `TCP_NOTSENT_LOWAT` has it.
const UNSENT: u64 = 128 << 10;
/// RFC 6928.
const FIRST_WINDOW: f64 = 10.0 * FULL;
const FULL: f64 = MSS as f64;
/// Bytes behind a hole before it counts as lost (RFC 6675).
const REORDERED: u64 = 3 * MSS as u64;
/// As in the kernel.
const LEAST_TIMEOUT: Duration = Duration::from_millis(200);
const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Sending {
    buffer: VecDeque<u8>,
    /// Number of the buffer's first byte: everything before is acknowledged.
    acked: u64,
    /// Everything before was sent at least once.
    sent: u64,
    /// What the other end has behind `acked`.
    sacked: BTreeMap<u64, u64>,
    /// Holes before this were sent again already.
    resent: u64,
    end: End,
    peer_window: u64,
    window: f64,
    threshold: f64,
    /// Losses before this belong to one event.
    recover: u64,
    rtt: Option<(Duration, Duration)>,
    /// A byte whose acknowledgement is timed, and when it left.
    timed: Option<(u64, Duration)>,
    backoff: u32,
    timer: Option<Duration>,
}

/// Of the direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Open,
    Wanted,
    Sent,
    Acked,
}

impl Sending {
    pub(super) fn new() -> Self {
        Self {
            buffer: VecDeque::new(),
            acked: 0,
            sent: 0,
            sacked: BTreeMap::new(),
            resent: 0,
            end: End::Open,
            peer_window: u64::MAX,
            window: FIRST_WINDOW,
            threshold: f64::MAX,
            recover: 0,
            rtt: None,
            timed: None,
            backoff: 0,
            timer: None,
        }
    }

    fn written(&self) -> u64 {
        self.acked + self.buffer.len() as u64
    }

    pub(super) fn is_writable(&self) -> bool {
        self.end == End::Open && self.buffer.len() < BUFFER && self.written() - self.sent < UNSENT
    }

    /// How much of it was taken.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(BUFFER - self.buffer.len());
        self.buffer.extend(&bytes[..taken]);
        taken
    }

    pub(super) fn finish(&mut self) {
        self.end = self.end.max(End::Wanted);
    }

    pub(super) fn is_over(&self) -> bool {
        self.end == End::Acked
    }

    /// When it wants to be woken: nothing came back for what is under way.
    pub(super) fn timer(&self) -> Option<Duration> {
        self.timer
    }

    /// The other end says what it has.
    pub(super) fn acknowledged(&mut self, now: Duration, segment: &Segment) {
        let Some(ack) = segment.ack else { return };
        self.peer_window = segment.window;
        if self.end == End::Sent && ack > self.written() {
            self.end = End::Acked;
        }
        let ack = ack.min(self.written());
        if ack > self.acked {
            self.time(now, ack);
            let gone = usize::try_from(ack - self.acked).expect("it is in the buffer");
            self.buffer.drain(..gone);
            self.acked = ack;
            self.sent = self.sent.max(ack);
            self.resent = self.resent.max(ack);
            self.backoff = 0;
            self.grow(gone);
            let waits = self.sent > self.acked || self.end == End::Sent;
            self.timer = waits.then(|| now + self.timeout());
        }
        if self.end == End::Acked && self.sent == self.acked {
            self.timer = None;
        }
        segment.sacks.iter().for_each(|(from, to)| self.has(*from, (*to).min(self.written())));
        self.sacked.retain(|_, to| *to > self.acked);
        self.look_for_losses();
    }

    /// The other end has this range; ranges that touch become one.
    fn has(&mut self, mut from: u64, mut to: u64) {
        while let Some((start, end)) = self.sacked.range(..=to).next_back().filter(|(_, end)| **end >= from) {
            let start = *start;
            (from, to) = (from.min(start), to.max(*end));
            self.sacked.remove(&start);
        }
        self.sacked.insert(from, to);
    }

    fn time(&mut self, now: Duration, ack: u64) {
        let Some((_, left)) = self.timed.filter(|(byte, _)| ack > *byte) else { return };
        self.timed = None;
        let sample = now - left;
        self.rtt = Some(match self.rtt {
            None => (sample, sample / 2),
            Some((smooth, varies)) => {
                (smooth * 7 / 8 + sample / 8, varies * 3 / 4 + smooth.abs_diff(sample) / 4)
            }
        });
    }

    /// Slow start, then a segment for each round (RFC 5681).
    fn grow(&mut self, acked: usize) {
        if self.acked < self.recover {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a buffer has fewer than 2^53 bytes")]
        let acked = acked as f64;
        self.window += if self.window < self.threshold { acked } else { FULL * acked / self.window };
    }

    /// Enough behind a hole: it was lost.
    fn look_for_losses(&mut self) {
        let highest = self.sacked.values().copied().max().unwrap_or_default();
        if highest < self.acked + REORDERED {
            return;
        }
        if self.acked >= self.recover {
            self.threshold = (self.window / 2.0).max(2.0 * FULL);
            self.window = self.threshold;
            self.recover = self.sent;
            self.resent = self.acked;
            self.timed = None;
        }
    }

    fn timeout(&self) -> Duration {
        let base =
            self.rtt.map_or(FIRST_TIMEOUT, |(smooth, varies)| (smooth + 4 * varies).max(LEAST_TIMEOUT));
        (base * 2u32.saturating_pow(self.backoff.min(10))).min(LONGEST_TIMEOUT)
    }

    /// The time for an answer is over: everything under way is lost.
    pub(super) fn timed_out(&mut self, now: Duration) {
        if self.timer.is_none_or(|timer| timer > now) {
            return;
        }
        self.threshold = (self.window / 2.0).max(2.0 * FULL);
        self.window = FULL;
        self.sent = self.acked;
        self.recover = 0;
        self.resent = self.acked;
        self.sacked.clear();
        self.timed = None;
        self.backoff += 1;
        self.timer = None;
        if self.end == End::Sent {
            self.end = End::Wanted;
        }
    }

    /// What may leave now: number, payload, whether it is the last.
    pub(super) fn next(&mut self, now: Duration) -> Option<(u64, Bytes, bool)> {
        let next = self.lost_again().or_else(|| self.fresh(now));
        if next.is_some() && self.timer.is_none() {
            self.timer = Some(now + self.timeout());
        }
        next
    }

    /// The next hole that counts as lost.
    fn lost_again(&mut self) -> Option<(u64, Bytes, bool)> {
        let highest = self.sacked.values().copied().max()?;
        if self.acked >= self.recover {
            return None;
        }
        let mut from = self.resent.max(self.acked);
        for (start, to) in &self.sacked {
            if from < *start {
                break;
            }
            from = from.max(*to);
        }
        if from + REORDERED > highest {
            return None;
        }
        let until = self.sacked.range(from..).next().map_or(self.sent, |(start, _)| *start);
        let data = self.copy(from, until.min(from + MSS as u64));
        self.resent = from + data.len() as u64;
        (!data.is_empty()).then_some((from, data, false))
    }

    fn fresh(&mut self, now: Duration) -> Option<(u64, Bytes, bool)> {
        let sacked: u64 = self.sacked.iter().map(|(from, to)| to - (*from).max(self.acked)).sum();
        let under_way = (self.sent - self.acked).saturating_sub(sacked);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, saturates")]
        let room = (self.window as u64).saturating_sub(under_way);
        let limit = self.written().min(self.acked.saturating_add(self.peer_window));
        // One byte asks whether a shut window has opened.
        let limit =
            if self.peer_window == 0 && under_way == 0 { self.written().min(self.acked + 1) } else { limit };
        let from = self.sent;
        if from < limit && room > 0 {
            let data = self.copy(from, limit.min(from + MSS as u64));
            self.sent = from + data.len() as u64;
            self.timed.get_or_insert((from, now));
            return Some((from, data, self.ends()));
        }
        (self.end == End::Wanted && self.sent == self.written()).then(|| (from, Bytes::new(), self.ends()))
    }

    fn ends(&mut self) -> bool {
        let last = self.end == End::Wanted && self.sent == self.written();
        if last {
            self.end = End::Sent;
        }
        last
    }

    fn copy(&self, from: u64, to: u64) -> Bytes {
        let index = |number: u64| usize::try_from(number - self.acked).expect("it is in the buffer");
        let (from, to) = (index(from), index(to).min(self.buffer.len()));
        self.buffer.range(from..to.max(from)).copied().collect()
    }
}
