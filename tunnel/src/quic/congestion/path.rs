//! What is believed of a path: its rate, and its round-trip time without queues.

use std::time::{Duration, Instant};

use super::rounds::Round;

/// The shortest round-trip time is believed for this long after it was last seen.
const FRESH: Duration = Duration::from_secs(10);

/// On shorter paths the programs at both ends take longer than the way between them, and nothing is lost at random.
const SHORT: Duration = Duration::from_millis(2);

/// What may wait at the ends of a short path, and the fastest that one can be, in bytes per second: 25 Gbit/s.
const SHORT_WAITING: u64 = 1024 * 1024;
const SHORT_RATE: f64 = 25e9 / 8.0;

/// The largest rate of this cycle and the one before, and the smallest round-trip time.
#[derive(Clone, Debug)]
pub(super) struct Path {
    rates: [f64; 2],
    rtt: Duration,
    seen: Instant,
    /// Mean round-trip time while our own queue is empty: the shortest, and what radio, schedulers and bundled
    /// acknowledgements add to it.
    typical: Duration,
}

impl Path {
    pub(super) fn new(now: Instant) -> Self {
        Self { rates: [0.0; 2], rtt: Duration::MAX, seen: now, typical: Duration::ZERO }
    }

    /// Bytes per second; 0 before the first round.
    pub(super) fn rate(&self) -> f64 {
        self.rates[0].max(self.rates[1])
    }

    pub(super) fn learn(&mut self, round: &Round) {
        if !round.idle || round.rate > self.rate() {
            self.rates[0] = self.rates[0].max(round.rate);
        }
    }

    /// A measured round-trip time. One close to the smallest keeps that fresh.
    pub(super) fn see(&mut self, now: Instant, rtt: Duration) {
        if self.rtt == Duration::MAX || rtt < self.rtt + self.rtt / 32 {
            self.seen = now;
        }
        self.rtt = self.rtt.min(rtt);
    }

    /// The path may have become longer; only an emptied queue can tell.
    pub(super) fn stale(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) > FRESH
    }

    /// Believes `rtt`; of one that is longer than before a quarter each time, because it may be a rival's queue that never
    /// becomes empty.
    pub(super) fn believe(&mut self, now: Instant, rtt: Duration) {
        self.rtt = rtt.min(self.rtt + rtt.saturating_sub(self.rtt) / 4);
        self.seen = now;
    }

    /// The mean round-trip time of a round without a queue of ours. No more than a queue as long as the path is believed.
    pub(super) fn typical(&mut self, mean: Duration) {
        let bound = 2 * self.rtt + Duration::from_millis(10);
        let before = if self.typical.is_zero() { mean } else { self.typical };
        self.typical = ((before + mean) / 2).min(bound);
    }

    /// A model of this path would be one of the schedulers at its ends.
    pub(super) fn short(&self) -> bool {
        self.rtt < SHORT
    }

    /// Bytes that a short path may hold: nothing is lost on loopback until the receiver's socket is full, and bytes that wait
    /// there have left the processor's cache.
    pub(super) fn short_bytes(&self) -> u64 {
        SHORT_WAITING + (self.rtt.as_secs_f64() * SHORT_RATE) as u64
    }

    /// Forgets the rates of the cycle before the last.
    pub(super) fn next_cycle(&mut self) {
        self.rates = [0.0, self.rates[0]];
    }

    /// Believes a lower rate at once.
    pub(super) fn lower(&mut self, rate: f64) {
        self.rates = [rate, 0.0];
    }

    /// Bytes under way when the path is full and its queue empty.
    pub(super) fn bytes(&self) -> f64 {
        self.rate() * self.typical.max(self.rtt).as_secs_f64()
    }

    /// The same without what jitter adds.
    pub(super) fn bytes_at_least(&self) -> f64 {
        self.rate() * self.rtt.as_secs_f64()
    }

    /// Whether this round-trip time has a queue in it: an eighth above the shortest, and more than timers of 1 ms and
    /// bundled acknowledgements add.
    pub(super) fn queued(&self, rtt: Duration) -> bool {
        longer(self.rtt, rtt)
    }

    /// Whether this mean of a round has a queue in it that jitter does not explain.
    pub(super) fn queued_on_average(&self, mean: Duration) -> bool {
        longer(self.typical.max(self.rtt), mean)
    }
}

fn longer(usual: Duration, rtt: Duration) -> bool {
    rtt > usual.saturating_add((usual / 8).max(Duration::from_millis(2)))
}
