//! bore-cli: plaintext, one TCP connection through the tunnel per client connection.

use anyhow::Result;

use super::{Bench, Kind, System};
use crate::child::Guarded;
use crate::programs::Programs;

#[derive(Debug)]
pub(super) struct Bore;

impl System for Bore {
    fn name(&self) -> &'static str {
        "bore"
    }

    fn label(&self) -> &'static str {
        "bore"
    }

    fn kind(&self) -> Kind {
        Kind::PlainPeer
    }

    fn version(&self, programs: &Programs) -> Result<String> {
        programs.version("bore", &["--version"])
    }

    fn start(&self, bench: &Bench<'_>) -> Result<Vec<Guarded>> {
        let program = bench.programs.find("bore")?;
        // The control port is 7835 and cannot be changed in 0.6.
        let mut server = bench.place.outside.command(program);
        server.args(["server", "--bind-addr", &bench.place.outside.address.to_string()]);
        server.args(["--bind-tunnels", &bench.entry.ip().to_string()]);
        let mut server = Guarded::spawn(&mut server, "bore-server", bench.dir)?;
        // The client gives up at the first refused connection.
        server.await_output("listening", bench.patience())?;
        let mut client = bench.place.inside.command(program);
        client.args(["local", &bench.service.port().to_string()]);
        client.args(["--local-host", &bench.service.ip().to_string()]);
        client.args(["--to", &bench.place.outside.address.to_string()]);
        client.args(["--port", &bench.entry.port().to_string()]);
        Ok(vec![server, Guarded::spawn(&mut client, "bore-local", bench.dir)?])
    }
}
