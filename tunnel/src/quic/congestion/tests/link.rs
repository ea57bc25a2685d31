//! A bottleneck in virtual time: a queue before a rate, a delay behind it, losses at random.

use std::time::Duration;

pub(super) struct Link {
    /// Bytes per second.
    rate: f64,
    pub(super) delay: Duration,
    /// Most bytes that wait.
    queue: f64,
    /// Share of packets lost at random.
    pub(super) loss: f64,
    /// Up to so much more delay, packets in order.
    pub(super) jitter: Duration,
    random: u64,
    /// Seconds.
    free_at: f64,
    /// Packets arrive in order.
    last: Duration,
    pub(super) dropped: u64,
}

/// What IP and UDP add to a datagram.
const HEADERS: usize = 28;

impl Link {
    pub(super) fn new(mbit: f64, delay: Duration, queue: f64, loss: f64, seed: u64) -> Self {
        Self {
            rate: mbit * 125_000.0,
            delay,
            queue,
            loss,
            jitter: Duration::ZERO,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            free_at: 0.0,
            last: Duration::ZERO,
            dropped: 0,
        }
    }

    pub(super) fn set_mbit(&mut self, mbit: f64) {
        self.rate = mbit * 125_000.0;
    }

    /// 0 to 1 (xorshift64*).
    fn random(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// When a datagram that is sent at `now` arrives, if it does.
    pub(super) fn offer(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        let now = now.as_secs_f64();
        let bytes = (bytes + HEADERS) as f64;
        let waiting = (self.free_at - now).max(0.0) * self.rate;
        if waiting + bytes > self.queue.max(3000.0) {
            self.dropped += 1;
            return None;
        }
        self.free_at = self.free_at.max(now) + bytes / self.rate;
        if self.random() < self.loss {
            return None;
        }
        let jitter = self.jitter.mul_f64(self.random());
        let at = Duration::from_secs_f64(self.free_at) + self.delay + jitter;
        self.last = self.last.max(at);
        Some(self.last)
    }
}
