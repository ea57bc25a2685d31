//! nginx's stream module as a plaintext relay.

use anyhow::{Result, ensure};

use super::{Bench, Kind, System};
use crate::child::Guarded;
use crate::nginx;
use crate::programs::Programs;

#[derive(Debug)]
pub(super) struct NginxStream;

impl System for NginxStream {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn label(&self) -> &'static str {
        "nginx stream"
    }

    fn kind(&self) -> Kind {
        Kind::RelayPeer
    }

    fn version(&self, programs: &Programs) -> Result<String> {
        ensure!(nginx::stream_module().is_some(), "no stream module (package libnginx-mod-stream)");
        programs.version("nginx", &["-v"])
    }

    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        let body = format!(
            "stream {{ server {{ listen {} backlog=4096; proxy_pass {}; proxy_timeout 1h; }} }}",
            bench.entry, bench.service
        );
        Ok(vec![nginx::spawn(bench.programs, &bench.place.outside, "nginx-stream", &body, bench.dir)?])
    }
}
