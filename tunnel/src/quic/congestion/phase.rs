//! What the window is for, round by round.

use std::time::{Duration, Instant};

use quinn_proto::congestion::Controller;

use super::Tide;
use super::rival::{CUT, Rival};
use super::rounds::Round;

/// More than this share of a round lost, and more than these packets, is a full queue whatever the times say.
const LOST_TOO_MUCH: f64 = 0.1;
const LOST_PACKETS: u64 = 3;
/// Doubling ends after three rounds that did not bring a quarter more, or eight acknowledgements in a row with a queue.
const START_GROWN: f64 = 1.25;
const START_FLAT: u8 = 3;
const START_QUEUED: u8 = 8;
/// Looking for more goes on while a round brings this much more.
const UP_GROWN: f64 = 1.08;
const GAIN_UP: f64 = 1.25;
const GAIN_DOWN: f64 = 0.75;
/// Of the bytes that the path certainly holds: what `typical` believes may be a queue of ours that never became empty.
const GAIN_EMPTY: f64 = 0.9;
const GAIN_CRUISE: f64 = 1.05;
const GAIN_LOOK: f64 = 0.5;
/// Rounds between two looks for more: 4 to 7, so that two senders do not keep step.
const CRUISE: u8 = 4;
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Doubles each round until the rate grows no more or a queue forms.
    Start { best: f64, flat: u8, full: bool },
    /// More than the model, for as long as that makes the rate grow.
    Up { before: f64, first: bool },
    /// Less than the model, for one round: empties the queue of `Up`.
    Down,
    /// As the model says.
    Cruise { rounds: u8, first: bool },
    /// Half, for two rounds: the second shows the path without our queue, or how much of the queue is ours.
    Look { second: bool, rival: Option<Rival>, rtt_before: Duration },
    /// Somebody else fills the queue.
    Rival(Rival),
}

impl Phase {
    pub(super) const START: Self = Self::Start { best: 0.0, flat: 0, full: false };
}

impl Tide {
    /// A batch of acknowledgements came, and the round goes on.
    pub(super) fn within_round(&mut self) {
        let queued = self.queued;
        match &mut self.phase {
            Phase::Start { full, .. } => *full |= queued >= START_QUEUED,
            Phase::Rival(_) => self.resize(),
            _ => {}
        }
    }

    pub(super) fn end_round(&mut self, now: Instant, round: &Round) {
        self.path.learn(round);
        self.cycle_rtt = self.cycle_rtt.min(round.rtt_min);
        let queued = self.path.queued_on_average(round.rtt_mean);
        let overflow = self.overflow(round, queued);
        if !queued && self.lets_go() {
            self.radio += (round.lost_share - self.radio) / 8.0;
        }
        self.phase = match std::mem::replace(&mut self.phase, Phase::Down) {
            Phase::Rival(mut rival) if overflow => {
                self.answered = Some(now);
                rival.fall(now);
                self.beside_rival(now, rival, round)
            }
            Phase::Start { .. } | Phase::Look { .. } if overflow => {
                self.answered = Some(now);
                self.path.lower(round.rate);
                Phase::Down
            }
            _ if overflow => {
                self.answered = Some(now);
                // The window itself may be that of a look for more, or of the round after.
                let usual = self.path.bytes();
                Phase::Rival(Rival::new(now, CUT * usual, self.mtu, usual as u64))
            }
            phase => self.next(phase, now, round),
        };
        self.resize();
    }

    /// More was lost than without a queue, or far too much: the queue was full. Beside a rival also when it is too short to be
    /// seen; then the losses must stand out from chance.
    fn overflow(&self, round: &Round, queued: bool) -> bool {
        // What was sent before the window last fell is answered for.
        if round.lost_sent <= self.answered {
            return false;
        }
        let few = round.lost < LOST_PACKETS * self.mtu;
        let with_queue = queued && round.lost_share > 3.0 * self.radio;
        let beside = matches!(self.phase, Phase::Rival(_))
            && round.lost as f64 > (LOST_PACKETS * self.mtu) as f64 + 3.0 * self.radio * round.sent as f64;
        round.marked || (!few && (with_queue || beside || round.lost_share > LOST_TOO_MUCH))
    }

    /// What was sent with such a window is not lost to a queue of ours: its losses are the radio's.
    fn lets_go(&self) -> bool {
        match &self.phase {
            Phase::Cruise { .. } => true,
            Phase::Rival(rival) => rival.rested(),
            _ => false,
        }
    }

    fn next(&mut self, phase: Phase, now: Instant, round: &Round) -> Phase {
        let queued = self.queued;
        match phase {
            Phase::Start { best, flat, full } => {
                let flat = if round.rate > best * START_GROWN || round.idle { 0 } else { flat + 1 };
                let full = full || queued >= START_QUEUED || flat >= START_FLAT;
                if full {
                    self.answered = Some(now);
                    Phase::Down
                } else {
                    Phase::Start { best: best.max(round.rate), flat, full }
                }
            }
            // The first round brings acknowledgements of what was sent before it.
            Phase::Up { before, first } if first || self.path.rate() > before * UP_GROWN => {
                Phase::Up { before: self.path.rate(), first: false }
            }
            Phase::Up { .. } => Phase::Down,
            Phase::Down => {
                let rounds = CRUISE + (self.arrived / self.mtu % u64::from(CRUISE)) as u8;
                Phase::Cruise { rounds, first: true }
            }
            Phase::Cruise { rounds, first } => {
                if first {
                    self.path.typical(round.rtt_mean);
                }
                if rounds > 1 {
                    Phase::Cruise { rounds: rounds - 1, first: false }
                } else {
                    self.end_cycle(now, round)
                }
            }
            Phase::Look { second: false, rival, rtt_before } => {
                Phase::Look { second: true, rival, rtt_before }
            }
            Phase::Look { second: true, rival, rtt_before } => {
                let queue = self.path.queued(round.rtt_min);
                self.path.believe(now, round.rtt_min);
                match rival {
                    Some(rival) if queue => {
                        let held = rival.all_under_way(self.window, rtt_before, round.rtt_mean);
                        Phase::Rival(rival.fair(now, held, self.mtu))
                    }
                    _ => self.up(),
                }
            }
            Phase::Rival(rival) => self.beside_rival(now, rival, round),
        }
    }

    fn end_cycle(&mut self, now: Instant, round: &Round) -> Phase {
        let rtt = std::mem::replace(&mut self.cycle_rtt, Duration::MAX);
        if round.idle {
            // Whoever sends little learns nothing new, and fills no queue.
            return self.up();
        }
        self.path.next_cycle();
        if self.path.queued(rtt) {
            let holding = self.path.rate() * round.rtt_mean.as_secs_f64();
            return Self::look(Some(Rival::new(now, holding, self.mtu, 0)), round);
        }
        if self.path.stale(now) { Self::look(None, round) } else { self.up() }
    }

    fn look(rival: Option<Rival>, round: &Round) -> Phase {
        Phase::Look { second: false, rival, rtt_before: round.rtt_mean }
    }

    fn up(&self) -> Phase {
        Phase::Up { before: self.path.rate(), first: true }
    }

    fn beside_rival(&mut self, now: Instant, mut rival: Rival, round: &Round) -> Phase {
        if !rival.count() {
            return Phase::Rival(rival);
        }
        let rtt = std::mem::replace(&mut self.cycle_rtt, Duration::MAX);
        if !round.idle {
            self.path.next_cycle();
        }
        if !self.path.queued(rtt) && rival.recovered() {
            return self.up();
        }
        if self.path.stale(now) || rival.rises() {
            return Self::look(Some(rival), round);
        }
        Phase::Rival(rival)
    }

    /// Sets the window for the phase.
    pub(super) fn resize(&mut self) {
        let bytes = self.path.bytes();
        let wanted = match &self.phase {
            Phase::Start { .. } => return,
            Phase::Up { .. } => bytes * GAIN_UP,
            Phase::Down => (bytes * GAIN_DOWN).min(self.path.bytes_at_least() * GAIN_EMPTY),
            Phase::Cruise { .. } => bytes * GAIN_CRUISE,
            Phase::Look { .. } => bytes * GAIN_LOOK,
            Phase::Rival(rival) => rival.cubic.window() as f64,
        };
        self.window = (wanted as u64).max(self.smallest());
    }
}
