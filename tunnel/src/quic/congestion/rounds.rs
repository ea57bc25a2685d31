//! What one round trip taught: how fast bytes arrived, how long they took, how many did not.

use std::time::{Duration, Instant};

/// One finished round trip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// Bytes per second that arrived.
    pub(super) rate: f64,
    /// Shortest round-trip time of a packet whose acknowledgement came in this round.
    pub(super) rtt_min: Duration,
    /// Mean of them, weighted by bytes.
    pub(super) rtt_mean: Duration,
    /// Bytes lost and arrived.
    pub(super) sent: u64,
    /// Bytes lost, their share of those sent (0 to 1), and when the last of them was sent.
    pub(super) lost: u64,
    pub(super) lost_share: f64,
    pub(super) lost_sent: Option<Instant>,
    /// A router said that its queue is long (ECN).
    pub(super) marked: bool,
    /// The sender had nothing more to send at some time, so `rate` is no bound of the network's.
    pub(super) idle: bool,
}

/// Counts acknowledgements into rounds. A round ends with the first acknowledgement of a packet that was sent after the
/// round began, so it lasts one round trip whatever the packets' sizes and however acknowledgements are bundled.
#[derive(Clone, Debug)]
pub(super) struct Rounds {
    began: Instant,
    arrived: u64,
    lost: u64,
    lost_sent: Option<Instant>,
    marked: bool,
    rtt_min: Duration,
    /// Seconds x bytes.
    rtt_sum: f64,
    idle: bool,
    over: bool,
}

impl Rounds {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            arrived: 0,
            lost: 0,
            lost_sent: None,
            marked: false,
            rtt_min: Duration::MAX,
            rtt_sum: 0.0,
            idle: false,
            over: false,
        }
    }

    /// A packet of `bytes` that was sent at `sent` arrived.
    pub(super) fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64) {
        let rtt = now.saturating_duration_since(sent);
        self.arrived += bytes;
        self.rtt_min = self.rtt_min.min(rtt);
        self.rtt_sum += rtt.as_secs_f64() * bytes as f64;
        self.over |= sent >= self.began;
    }

    /// Packets of `bytes` together were lost, the last of them sent at `sent`; 0 bytes are a mark.
    pub(super) fn on_loss(&mut self, sent: Instant, bytes: u64) {
        self.lost += bytes;
        self.marked |= bytes == 0;
        self.lost_sent = self.lost_sent.max(Some(sent));
    }

    /// After a batch of acknowledgements; returns the round if the batch ended it.
    pub(super) fn end_batch(&mut self, now: Instant, idle: bool) -> Option<Round> {
        self.idle |= idle;
        if !self.over || self.arrived == 0 {
            return None;
        }
        // Clocks of virtual machines may stand still between two packets.
        let seconds = now.saturating_duration_since(self.began).as_secs_f64().max(1e-6);
        let arrived = self.arrived as f64;
        let round = Round {
            rate: arrived / seconds,
            rtt_min: self.rtt_min,
            rtt_mean: Duration::from_secs_f64(self.rtt_sum / arrived),
            sent: self.lost + self.arrived,
            lost: self.lost,
            lost_share: self.lost as f64 / (self.lost as f64 + arrived),
            lost_sent: self.lost_sent,
            marked: self.marked,
            idle: self.idle,
        };
        *self = Self::new(now);
        Some(round)
    }
}
