//! haproxy in TCP mode with splice(2): the plaintext relay to measure ours against.

use std::fs;

use anyhow::Result;

use super::{Bench, Kind, System};
use crate::child::Guarded;
use crate::programs::Programs;

#[derive(Debug)]
pub(super) struct Haproxy;

impl System for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn label(&self) -> &'static str {
        "haproxy splice"
    }

    fn kind(&self) -> Kind {
        Kind::RelayPeer
    }

    fn version(&self, programs: &Programs) -> Result<String> {
        programs.version("haproxy", &["-v"])
    }

    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        let config = bench.dir.join("haproxy.cfg");
        // Two descriptors for each connection and two for its pipes: 4000 fit a limit of 20,000.
        let text = format!(
            "global\n  maxconn 4000\n\
             defaults\n  mode tcp\n  option splice-auto\n  option splice-request\n  option splice-response\n  \
             timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n\
             listen bench\n  bind {}\n  server service {}\n",
            bench.entry, bench.service
        );
        fs::write(&config, text)?;
        let mut command = bench.place.outside.command(bench.programs.find("haproxy")?);
        command.args(["-db", "-q", "-f"]).arg(&config);
        Ok(vec![Guarded::spawn(&mut command, "haproxy", bench.dir)?])
    }
}
