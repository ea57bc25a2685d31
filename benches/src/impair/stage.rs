//! Two namespaces, and netsim's router between them.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use netsim::link::{Loss, Model, Rate, Share};
use netsim::router::{Counts, Router, Tun};

use super::cell::Line;
use crate::place::Place;

/// Of the line, both ways.
pub(crate) const RATE: Rate = Rate::bits_per_second(100_000_000);
const CONGESTION: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
const AVAILABLE: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";
const ALLOWED: &str = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";

#[derive(Debug)]
pub(crate) struct Stage {
    // Before the namespaces: its devices are in them.
    router: Router,
    pub(crate) place: Place,
    _allowed: Allowed,
}

/// A namespace may only choose what the machine allows; all that the kernel has is allowed until this is dropped.
#[derive(Debug)]
struct Allowed {
    before: String,
}

impl Allowed {
    fn all() -> Result<Self> {
        let before = fs::read_to_string(ALLOWED)?;
        fs::write(ALLOWED, fs::read_to_string(AVAILABLE)?)?;
        Ok(Self { before })
    }
}

impl Drop for Allowed {
    fn drop(&mut self) {
        if let Err(error) = fs::write(ALLOWED, &self.before) {
            eprintln!("bench: {ALLOWED}: {error}");
        }
    }
}

impl Stage {
    pub(crate) fn build() -> Result<Self> {
        let place = Place::apart("impair")?;
        let id = std::process::id();
        let device = |letter: char| {
            let name = format!("impair{}{letter}", id % 100_000_000);
            Tun::make(&name).context("cannot make a TUN device").map(|tun| (name, tun))
        };
        let ((out_name, outside), (in_name, inside)) = (device('o')?, device('i')?);
        place.outside.adopt(&out_name)?;
        place.inside.adopt(&in_name)?;
        let router = Router::start([outside, inside], [Model::default(), Model::default()], 1)?;
        Ok(Self { router, place, _allowed: Allowed::all()? })
    }

    /// From now on, the line is like this, and TCP sockets begin with this congestion control.
    pub(crate) fn become_like(&self, line: Line, congestion: &str) -> Result<()> {
        let loss = Loss::Random(Share::new(line.loss_percent / 100.0));
        self.become_model(Model { delay: line.rtt() / 2, loss, ..Model::default() }, congestion)
    }

    /// The same for any model, both ways, at [`RATE`].
    pub(super) fn become_model(&self, model: Model, congestion: &str) -> Result<()> {
        let model = Model { rate: Some(RATE), ..model };
        for side in [&self.place.outside, &self.place.inside] {
            let set = side.within(|| fs::write(CONGESTION, congestion))?;
            set.with_context(|| format!("congestion control {congestion}"))?;
        }
        Ok(self.router.become_like([model.clone(), model])?)
    }

    /// What the router did since; fails when it could not do what the line says.
    pub(crate) fn counts(&self) -> Result<[Counts; 2]> {
        let counts = self.router.counts()?;
        let refused: u64 = counts.iter().map(|way| way.refused).sum();
        ensure!(refused == 0, "the router or the kernel behind it dropped {refused} packets by itself");
        Ok(counts)
    }
}
