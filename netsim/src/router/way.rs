//! One direction of the router: what the link says, done.

use std::io;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::held::Held;
use super::lateness::Lateness;
use super::too_big::too_big;
use super::tun::Tun;
use crate::link::{Fate, Link, Model, Reason};

/// Packets read before any is delivered: 64 take some 100 µs.
const BATCH: usize = 64;
/// The longest IP packet.
const LONGEST: usize = 65_535;

/// What became of the packets of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub delivered: u64,
    pub lost: u64,
    pub queue_full: u64,
    pub too_big: u64,
    pub link_down: u64,
    /// Those for which the router itself, or the kernel behind it, had no room: the emulation is wrong if there are any.
    pub refused: u64,
    /// How long after their time they were delivered.
    pub late: Lateness,
}

pub(super) struct Way {
    link: Link,
    rng: Pcg64Mcg,
    held: Held,
    buffer: Vec<u8>,
    pub(super) counts: Counts,
}

impl Way {
    pub(super) fn new(model: Model, rng: Pcg64Mcg) -> Self {
        let (held, counts) = (Held::default(), Counts::default());
        Self { link: Link::new(model), rng, held, buffer: vec![0; LONGEST], counts }
    }

    pub(super) fn become_like(&mut self, model: Model) {
        self.link.set_model(model);
        self.counts = Counts::default();
    }

    /// Offers what waits in `from` to the link; true when more may wait.
    pub(super) fn take_from(&mut self, from: &Tun, started: Instant) -> io::Result<bool> {
        for _ in 0..BATCH {
            let Some(length) = from.read(&mut self.buffer)? else { return Ok(false) };
            if let Some(answer) = self.offer(length, started.elapsed())
                && !from.write(&answer)?
            {
                self.counts.refused += 1;
            }
        }
        Ok(true)
    }

    /// Offers the packet in `buffer`; returns what its sender is to be told.
    fn offer(&mut self, length: usize, now: Duration) -> Option<Vec<u8>> {
        let fate = self.link.offer(now, length, &mut self.rng);
        match fate {
            Fate::Dropped(Reason::Lost) => self.counts.lost += 1,
            Fate::Dropped(Reason::QueueFull) => self.counts.queue_full += 1,
            Fate::Dropped(Reason::Down) => self.counts.link_down += 1,
            Fate::Dropped(Reason::TooBig { mtu, told }) => {
                self.counts.too_big += 1;
                return told.then(|| too_big(&self.buffer[..length], mtu)).flatten();
            }
            Fate::Arrives { .. } => {}
        }
        for arrival in fate.arrivals() {
            // The bit is flipped back for a copy that arrives whole.
            let flip = arrival.corrupt.then(|| self.rng.random_range(length / 2..length));
            flip.iter().for_each(|byte| self.buffer[*byte] ^= 1);
            if !self.held.keep(arrival.at, &self.buffer[..length]) {
                self.counts.refused += 1;
            }
            flip.iter().for_each(|byte| self.buffer[*byte] ^= 1);
        }
        None
    }

    /// Delivers what has arrived; returns when the next packet does.
    pub(super) fn deliver(&mut self, to: &Tun, started: Instant) -> io::Result<Option<Duration>> {
        let now = started.elapsed();
        while let Some((at, packet)) = self.held.due(now) {
            if to.write(&packet)? {
                self.counts.delivered += 1;
            } else {
                self.counts.refused += 1;
            }
            self.counts.late.add(started.elapsed().saturating_sub(at));
            self.held.spare(packet);
        }
        Ok(self.held.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn way(model: &str) -> Way {
        Way::new(toml::from_str(model).unwrap(), Pcg64Mcg::seed_from_u64(1))
    }

    #[test]
    fn every_packet_is_counted_once() {
        let mut way = way("rate = '8Mbit/s'\nqueue = '10 packets'\nloss = '20%'\nmtu = 1280");
        for n in 0..1000 {
            way.offer(if n % 100 == 0 { 1400 } else { 1000 }, Duration::from_micros(n * 900));
        }
        let Counts { lost, queue_full, too_big, link_down, refused, .. } = way.counts;
        assert_eq!((too_big, link_down, refused), (10, 0, 0));
        assert!(lost > 100 && queue_full > 50, "{lost} {queue_full}");
        let mut left = 0;
        while way.held.due(Duration::MAX).is_some() {
            left += 1;
        }
        assert_eq!(left + lost + queue_full + too_big, 1000);
    }

    #[test]
    fn a_corrupt_packet_has_one_wrong_bit_and_its_copy_may_be_whole() {
        let mut way = way("corrupt = '50%'\nduplicate = '100%'");
        way.buffer[..100].fill(7);
        (0..100).for_each(|_| assert_eq!(way.offer(100, Duration::ZERO), None));
        let mut wrong = [0; 2];
        while let Some((_, packet)) = way.held.due(Duration::ZERO) {
            wrong[packet.iter().filter(|byte| **byte != 7).count()] += 1;
        }
        assert_eq!(wrong[0] + wrong[1], 200);
        assert!(wrong[0] > 50 && wrong[1] > 50, "{wrong:?}");
    }
}
