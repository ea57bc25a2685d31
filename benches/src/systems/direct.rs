//! No tunnel: the client connects to the service itself.

use anyhow::Result;

use super::{Bench, Kind, System};
use crate::child::Guarded;
use crate::programs::Programs;

#[derive(Debug)]
pub(super) struct Direct;

impl System for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn label(&self) -> &'static str {
        "direct"
    }

    fn kind(&self) -> Kind {
        Kind::Direct
    }

    fn on_veth(&self) -> bool {
        true
    }

    fn version(&self, _programs: &Programs) -> Result<String> {
        Ok("kernel TCP".to_owned())
    }

    fn start(&self, _bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        Ok(Vec::new())
    }
}
