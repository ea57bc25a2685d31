//! What became of a packet.

use std::time::Duration;

/// What became of a packet that was offered to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Dropped(Reason),
    /// It arrives, and when the network doubled it, it arrives again.
    Arrives {
        first: Arrival,
        again: Option<Arrival>,
    },
}

impl Fate {
    /// Every time it arrives: none, one or two.
    pub fn arrivals(self) -> impl Iterator<Item = Arrival> {
        let (first, again) = match self {
            Self::Dropped(_) => (None, None),
            Self::Arrives { first, again } => (Some(first), again),
        };
        first.into_iter().chain(again)
    }
}

/// One copy of a packet at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// On the clock of `offer`'s `now`.
    pub at: Duration,
    /// Some of its bytes are wrong. What UDP or TCP carry is dropped by their checksum, unless the caller wants to see
    /// what happens when it is not.
    pub corrupt: bool,
}

/// Why a packet does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The link is cut.
    Down,
    /// Larger than the link takes. `told`: the sender gets ICMP "packet too big" with this MTU; else it is a black hole.
    TooBig {
        mtu: u16,
        told: bool,
    },
    QueueFull,
    Lost,
}
