//! dumbpipe: iroh (QUIC, TLS 1.3) between two endpoints, dialled by ticket.

use anyhow::{Context as _, Result};

use super::{Bench, Kind, System};
use crate::child::Guarded;
use crate::programs::Programs;

#[derive(Debug)]
pub(super) struct Dumbpipe;

impl System for Dumbpipe {
    fn name(&self) -> &'static str {
        "dumbpipe"
    }

    fn label(&self) -> &'static str {
        "dumbpipe"
    }

    fn kind(&self) -> Kind {
        Kind::EncryptedPeer
    }

    fn version(&self, programs: &Programs) -> Result<String> {
        programs.version("dumbpipe", &["--version"])
    }

    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        let program = bench.programs.find("dumbpipe")?;
        let mut listen = bench.place.inside.command(program);
        listen.args(["listen-tcp", "--host", &bench.service.to_string()]);
        let mut listen = Guarded::spawn(&mut listen, "dumbpipe-listen", bench.dir)?;
        listen.await_output("connect-tcp", bench.patience())?;
        let output = listen.output();
        let ticket = output
            .split_whitespace()
            .filter(|word| word.starts_with("endpoint"))
            .max_by_key(|word| word.len());
        let mut connect = bench.place.outside.command(program);
        connect.args(["connect-tcp", "--addr", &bench.entry.to_string()]);
        connect.arg(ticket.context("dumbpipe printed no ticket")?);
        Ok(vec![listen, Guarded::spawn(&mut connect, "dumbpipe-connect", bench.dir)?])
    }
}
