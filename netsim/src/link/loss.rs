//! Loss: of single packets at random (`loss = "2%"`), or in bursts (`loss = { share = "3%", burst = 8 }`).

use std::fmt::Formatter;

use rand::{Rng, RngExt};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::Share;

/// Which packets the medium loses, after they left the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Each alone, with this probability.
    Random(Share),
    Burst(Burst),
}

impl Loss {
    pub const NONE: Self = Self::Random(Share::NONE);
}

impl Default for Loss {
    fn default() -> Self {
        Self::NONE
    }
}

/// Gilbert and Elliott's two states: in the bad one, packets are lost with probability `within`, in the good one with
/// `between`. The link changes state from packet to packet, so that `share` of all packets are lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    share: Share,
    burst: f64,
    within: Share,
    between: Share,
    /// Probability to leave the good state, per packet.
    to_bad: f64,
}

impl Burst {
    /// `burst`: how many packets in a row the bad state lasts on average, at least 1.
    ///
    /// # Errors
    /// When no such link exists: `share` is not between `between` and `within`, or bursts so short cannot lose so much.
    pub fn new(share: Share, burst: f64, within: Share, between: Share) -> Result<Self, &'static str> {
        if !(1.0..=1e6).contains(&burst) {
            return Err("burst is how many packets in a row are lost on average: 1 to 1,000,000");
        }
        if !(between <= share && share < within) {
            return Err("share must lie between the loss `between` bursts (0%) and `within` them (100%)");
        }
        let bad = (share.get() - between.get()) / (within.get() - between.get());
        let to_bad = bad / (1.0 - bad) / burst;
        if to_bad > 1.0 {
            return Err("bursts so short cannot lose such a share; make `burst` longer");
        }
        Ok(Self { share, burst, within, between, to_bad })
    }

    /// Of all packets.
    pub fn share(&self) -> Share {
        self.share
    }

    /// Packets in the bad state in a row, on average.
    pub fn length(&self) -> f64 {
        self.burst
    }
}

/// Draws for each packet whether it is lost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dice {
    bad: bool,
}

impl Dice {
    pub(super) fn lost(&mut self, loss: &Loss, rng: &mut (impl Rng + ?Sized)) -> bool {
        match loss {
            Loss::Random(share) => hit(*share, rng),
            Loss::Burst(burst) => {
                let leave = if self.bad { 1.0 / burst.burst } else { burst.to_bad };
                if rng.random_bool(leave) {
                    self.bad = !self.bad;
                }
                hit(if self.bad { burst.within } else { burst.between }, rng)
            }
        }
    }
}

/// True for `share` of all calls. What never happens draws nothing, so that a plan's unused effects do not shift the
/// random numbers of the others.
pub(super) fn hit(share: Share, rng: &mut (impl Rng + ?Sized)) -> bool {
    share > Share::NONE && rng.random_bool(share.get())
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    share: Share,
    burst: f64,
    #[serde(default = "all")]
    within: Share,
    #[serde(default)]
    between: Share,
}

fn all() -> Share {
    Share::new(1.0)
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Loss;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a share such as \"2%\", or { share = \"3%\", burst = 8 }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Loss, E> {
        text.parse().map(Loss::Random).map_err(|()| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Loss, A::Error> {
        let Table { share, burst, within, between } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Burst::new(share, burst, within, between).map(Loss::Burst).map_err(Error::custom)
    }
}
