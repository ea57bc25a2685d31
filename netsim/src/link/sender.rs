//! A link with its state: what waits, how the delay wanders, whether a burst is under way.

use std::time::Duration;

use rand::{Rng, RngExt};

use super::jitter::Wander;
use super::loss::{Dice, hit};
use super::queue::{Backlog, Line};
use super::{Arrival, Fate, Model, Queue, Reason};

/// One direction of a path. Time is what the caller says it is: a duration since any start, never decreasing.
#[derive(Clone, Debug)]
pub struct Link {
    model: Model,
    up: bool,
    line: Line,
    dice: Dice,
    wander: Wander,
    /// The latest arrival of a packet that was not held back.
    last: Duration,
}

impl Link {
    pub fn new(model: Model) -> Self {
        Self {
            model,
            up: true,
            line: Line::default(),
            dice: Dice::default(),
            wander: Wander::default(),
            last: Duration::ZERO,
        }
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// From now on it behaves like this. What waits keeps the time at which it leaves, and order is kept.
    pub fn set_model(&mut self, model: Model) {
        self.model = model;
    }

    /// Cuts the link, or mends it. What was on its way arrives.
    pub fn set_up(&mut self, up: bool) {
        self.up = up;
    }

    pub fn is_up(&self) -> bool {
        self.up
    }

    /// What waits at `now`, with the packet that is being sent.
    pub fn backlog(&mut self, now: Duration) -> Backlog {
        self.line.advance(now);
        self.line.backlog()
    }

    /// A packet of `bytes` (all of the IP packet) enters at `now`.
    pub fn offer(&mut self, now: Duration, bytes: usize, rng: &mut (impl Rng + ?Sized)) -> Fate {
        if !self.up {
            return Fate::Dropped(Reason::Down);
        }
        let mtu = self.model.mtu;
        if bytes > usize::from(mtu.bytes) {
            return Fate::Dropped(Reason::TooBig { mtu: mtu.bytes, told: mtu.icmp });
        }
        let Some(sent) = self.send(now, bytes as u64) else {
            return Fate::Dropped(Reason::QueueFull);
        };
        // A lost packet has used the link: it is lost on the way, not before it.
        let lost = self.dice.lost(&self.model.loss, rng);
        let at = self.travel(sent, rng);
        if lost {
            return Fate::Dropped(Reason::Lost);
        }
        let again = hit(self.model.duplicate, rng);
        let mut copy = || Arrival { at, corrupt: hit(self.model.corrupt, rng) };
        Fate::Arrives { first: copy(), again: again.then(copy) }
    }

    /// When its last bit is on the way; `None`: the queue is full.
    fn send(&mut self, now: Duration, bytes: u64) -> Option<Duration> {
        match self.model.rate {
            Some(rate) => {
                let queue = self.model.queue.unwrap_or_else(|| Queue::usual(rate));
                self.line.join(now, bytes, rate, queue)
            }
            // The model had a rate a moment ago: what waited from then goes first.
            None => Some(self.line.empty_at().map_or(now, |empty| empty.max(now))),
        }
    }

    /// When it arrives.
    fn travel(&mut self, sent: Duration, rng: &mut (impl Rng + ?Sized)) -> Duration {
        let delay = self.model.delay + self.wander.at(sent, self.model.jitter, rng);
        // A model with a shorter delay does not let later packets overtake.
        let at = (sent + delay).max(self.last);
        match self.model.reorder {
            Some(reorder) if hit(reorder.share, rng) => at + reorder.by.mul_f64(rng.random::<f64>()),
            _ => {
                self.last = at;
                at
            }
        }
    }
}
