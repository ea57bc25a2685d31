//! The queue before a link: `queue = "64kB"`, `queue = "100 packets"`, or as time at the link's rate, `queue = "200ms"`.

use std::collections::VecDeque;
use std::fmt::Formatter;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use super::{Rate, Size};

/// How much may wait for a link with a rate. A packet that finds no room is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Bytes(u64),
    Packets(usize),
    /// As many bytes as the link sends in this time.
    Time(Duration),
}

impl Queue {
    /// A queue is not shorter than this many bytes when nothing else is said: slow links have some packets of buffer.
    const SHORTEST: u64 = 32_000;

    /// What a link has when the plan does not say: 100 ms at its rate.
    pub(super) fn usual(rate: Rate) -> Self {
        Self::Bytes(rate.bytes(Duration::from_millis(100)).max(Self::SHORTEST))
    }

    /// Whether `backlog` and one more packet of `bytes` fit.
    fn takes(self, backlog: Backlog, bytes: u64, rate: Rate) -> bool {
        match self {
            // An idle link sends a packet at once, whatever its queue.
            _ if backlog.packets == 0 => true,
            Self::Bytes(limit) => backlog.bytes + bytes <= limit,
            Self::Packets(limit) => backlog.packets < limit,
            Self::Time(limit) => backlog.bytes + bytes <= rate.bytes(limit),
        }
    }
}

/// What waits, with the packet that is being sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub bytes: u64,
    pub packets: usize,
}

/// The packets that wait for a link, as the times at which they will have left.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Ascending.
    waiting: VecDeque<(Duration, u64)>,
    bytes: u64,
}

impl Line {
    /// When a packet of `bytes` has been sent, or `None` when there is no room for it.
    pub(super) fn join(&mut self, now: Duration, bytes: u64, rate: Rate, queue: Queue) -> Option<Duration> {
        self.advance(now);
        if !queue.takes(self.backlog(), bytes, rate) {
            return None;
        }
        let start = self.waiting.back().map_or(now, |(leaves, _)| *leaves);
        let leaves = start + rate.time(bytes);
        self.waiting.push_back((leaves, bytes));
        self.bytes += bytes;
        Some(leaves)
    }

    /// Forgets what has left by `now`.
    pub(super) fn advance(&mut self, now: Duration) {
        while let Some((_, bytes)) = self.waiting.pop_front_if(|(leaves, _)| *leaves <= now) {
            self.bytes -= bytes;
        }
    }

    pub(super) fn backlog(&self) -> Backlog {
        Backlog { bytes: self.bytes, packets: self.waiting.len() }
    }

    /// When the last of them will have left.
    pub(super) fn empty_at(&self) -> Option<Duration> {
        self.waiting.back().map(|(leaves, _)| *leaves)
    }
}

impl<'de> Deserialize<'de> for Queue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Queue;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a queue, such as \"64kB\", \"100 packets\" or \"200ms\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Queue, E> {
        let packets = || text.strip_suffix("packets").and_then(|number| number.trim().parse().ok());
        let bytes = || text.parse::<Size>().ok().map(|size| size.0);
        let time = || config::duration::parse(text).ok();
        packets()
            .map(Queue::Packets)
            .or_else(|| bytes().map(Queue::Bytes))
            .or_else(|| time().map(Queue::Time))
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
