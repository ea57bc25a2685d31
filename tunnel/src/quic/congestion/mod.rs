//! Congestion control: how many bytes may be under way.
//!
//! A model of the path decides ([`Path`]), not each loss: losses without a queue are the radio's or the cable's, and
//! sending less does not mend them. quinn paces 1.25 windows per round trip, so the window is the one lever. The window is
//! the path's bytes (rate x shortest round-trip time) times a gain, in cycles: a round with more, to see whether the path has
//! become faster; a round with less, to empty the queue of the first; then rounds as the model says. Where the queue does
//! not become empty in a whole cycle, somebody else fills it: then CUBIC shares it as others do, and is deaf to
//! losses without a queue. On loopback and in a LAN ([`Path::short`]) it is CUBIC alone. Why, and measured how:
//! docs/decisions/0008.

mod path;
mod phase;
mod rival;
mod rounds;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn_proto::RttEstimator;
use quinn_proto::congestion::{Controller, ControllerFactory, Cubic, CubicConfig};

use path::Path;
use phase::Phase;
use rounds::Rounds;

/// Windows below four packets wait for timers.
const PACKETS_MIN: u64 = 4;

/// Makes a [`Tide`] for each connection.
#[derive(Debug)]
pub(super) struct Factory {
    /// Bytes that may be under way before anything is known.
    pub(super) initial: u64,
}

impl ControllerFactory for Factory {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        Box::new(Tide::new(now, mtu, self.initial))
    }
}

/// The controller of one path.
#[derive(Clone, Debug)]
struct Tide {
    window: u64,
    initial: u64,
    mtu: u64,
    path: Path,
    rounds: Rounds,
    phase: Phase,
    /// Decides alone on a short path.
    short: Cubic,
    /// Shortest round-trip time of the current cycle.
    cycle_rtt: Duration,
    /// Share of bytes that is lost without a queue.
    radio: f64,
    /// What was sent before this has been answered for by a smaller window.
    answered: Option<Instant>,
    /// Shortest round-trip time in the current batch of acknowledgements, and how many batches in a row had a queue.
    batch_rtt: Duration,
    queued: u8,
    arrived: u64,
}

impl Tide {
    fn new(now: Instant, mtu: u16, initial: u64) -> Self {
        let mut config = CubicConfig::default();
        config.initial_window(initial);
        Self {
            short: Cubic::new(Arc::new(config), now, mtu),
            window: initial,
            initial,
            mtu: mtu.into(),
            path: Path::new(now),
            rounds: Rounds::new(now),
            phase: Phase::START,
            cycle_rtt: Duration::MAX,
            radio: 0.0,
            answered: None,
            batch_rtt: Duration::MAX,
            queued: 0,
            arrived: 0,
        }
    }

    fn smallest(&self) -> u64 {
        PACKETS_MIN * self.mtu
    }
}

impl Controller for Tide {
    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, idle: bool, rtt: &RttEstimator) {
        self.batch_rtt = self.batch_rtt.min(now.saturating_duration_since(sent));
        if self.path.short() {
            self.short.on_ack(now, sent, bytes, idle, rtt);
            return;
        }
        self.arrived += bytes;
        self.rounds.on_ack(now, sent, bytes);
        match &mut self.phase {
            Phase::Start { full: false, .. } if !idle => self.window += bytes,
            Phase::Rival(rival) => rival.cubic.on_ack(now, sent, bytes, idle, rtt),
            _ => {}
        }
    }

    fn on_end_acks(&mut self, now: Instant, _under_way: u64, idle: bool, _largest: Option<u64>) {
        let rtt = std::mem::replace(&mut self.batch_rtt, Duration::MAX);
        if rtt == Duration::MAX {
            return;
        }
        self.path.see(now, rtt);
        if self.path.short() {
            self.window = self.short.window().min(self.path.short_bytes());
            return;
        }
        self.queued = if self.path.queued(rtt) { self.queued.saturating_add(1) } else { 0 };
        match self.rounds.end_batch(now, idle) {
            Some(round) => self.end_round(now, &round),
            None => self.within_round(),
        }
    }

    fn on_congestion_event(&mut self, now: Instant, sent: Instant, silence: bool, lost: u64) {
        if self.path.short() {
            self.short.on_congestion_event(now, sent, silence, lost);
            self.window = self.short.window().min(self.path.short_bytes());
            return;
        }
        if silence {
            // Nothing came through for several timeouts: whatever this path is now, it is not what was learnt.
            let anew = Self::new(now, self.mtu as u16, self.initial);
            *self = Self { window: self.smallest(), ..anew };
            return;
        }
        self.rounds.on_loss(sent, lost);
    }

    fn on_mtu_update(&mut self, mtu: u16) {
        self.mtu = mtu.into();
        self.short.on_mtu_update(mtu);
        if let Phase::Rival(rival) = &mut self.phase {
            rival.cubic.on_mtu_update(mtu);
        }
        self.window = self.window.max(self.smallest());
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.initial
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
