//! What a way from host to host is like when nothing goes wrong: its links in sum.

use std::time::Duration;

use super::{HostId, Path, Plan, Topology};
use crate::boxes::Crossing;
use crate::link::{Loss, Model, Rate, Share};

/// A way in one direction, as ping and iperf would see it while nothing else is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    /// Without jitter and queues.
    pub delay: Duration,
    /// Of the slowest link; `None`: not limited.
    pub rate: Option<Rate>,
    /// Of all packets, on all links together.
    pub loss: Share,
    /// Of the narrowest link.
    pub mtu: u16,
}

impl Way {
    pub fn new(plan: &Plan, topology: &Topology, from: HostId, to: HostId) -> Self {
        let start = Self { delay: Duration::ZERO, rate: None, loss: Share::NONE, mtu: u16::MAX };
        let hops = topology.route(from, to);
        hops.iter().fold(start, |way, hop| way.over(model(topology.path(plan, hop.link), hop.crossing)))
    }

    fn over(self, model: &Model) -> Self {
        let lost = match model.loss {
            Loss::Random(share) => share,
            Loss::Burst(burst) => burst.share(),
        };
        let kept = (1.0 - self.loss.get()) * (1.0 - lost.get());
        Self {
            delay: self.delay + model.delay,
            rate: self.rate.into_iter().chain(model.rate).min(),
            loss: Share::new(1.0 - kept),
            mtu: self.mtu.min(model.mtu.bytes),
        }
    }
}

/// How a path behaves for what crosses it like this.
fn model(path: &Path, crossing: Crossing) -> &Model {
    match crossing {
        Crossing::Out => &path.up,
        Crossing::In => &path.down,
    }
}
