//! What is measured, and with which program: one file per load generator.

mod held;
mod iperf3;
mod sockperf;
mod wrk;

use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::child::Guarded;
use crate::place::Place;
use crate::programs::Programs;

/// Figure name (see `figure.rs`) and value.
pub(crate) type Sample = (&'static str, f64);

/// A load generator together with the service it talks to.
pub(crate) trait Client: Debug {
    fn name(&self) -> &'static str;
    /// Whether it also runs between two namespaces.
    fn on_veth(&self) -> bool {
        false
    }
    /// Starts the service inside, at `load.service`.
    fn serve(&self, load: &Load<'_>) -> Result<Box<dyn Service>>;
    /// One small exchange through the entry: proves that the way works, and warms it up.
    fn probe(&self, load: &Load<'_>) -> Result<()>;
    /// The measurement itself.
    fn measure(&self, load: &Load<'_>) -> Result<Vec<Sample>>;
}

/// A running service; it ends when dropped.
pub(crate) trait Service: Debug {
    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Service for Guarded {
    fn check(&mut self) -> Result<()> {
        Self::check(self)
    }
}

/// What a client is given.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) place: &'a Place,
    pub(crate) programs: &'a Programs,
    /// Where to connect.
    pub(crate) entry: SocketAddr,
    /// Where the service listens.
    pub(crate) service: SocketAddr,
    /// The tunnel's processes; empty for `direct`.
    pub(crate) tunnel: Vec<u32>,
    /// Length of one timed run.
    pub(crate) seconds: u64,
    pub(crate) dir: &'a Path,
}

impl Load<'_> {
    /// A timed run that has not ended by itself after this long has hung.
    fn limit(&self) -> Duration {
        Duration::from_secs(self.seconds + 10)
    }
}

/// Every client, in the order they run.
pub(crate) fn all() -> Vec<Box<dyn Client>> {
    vec![Box::new(iperf3::Bulk), Box::new(sockperf::PingPong), Box::new(wrk::Requests), Box::new(held::Held)]
}
