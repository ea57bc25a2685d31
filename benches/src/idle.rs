//! The memory of a gateway that holds 1000 idle nodes.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::child::Guarded;
use crate::place::{Place, free_port};
use crate::proc::rss_kb;
use crate::programs::Programs;
use crate::results::{Failure, Results};
use crate::selection::NODES;
use crate::systems::fastx::Gateway;
use crate::systems::{self, Bench};

const COUNT: u32 = 1000;
/// 1000 handshakes at a millisecond of processor time each, on a machine ten times slower than ours.
const PATIENCE: Duration = Duration::from_secs(20);
/// Two rounds of the idle ping: handshake memory is gone, the steady state is there.
const SETTLE: Duration = Duration::from_secs(10);

/// Adds `nodes_mb` of a gateway whose nodes use `system` (quic or tls), or the failure, to `results`.
pub(crate) fn run(system: &str, round: u32, programs: &Programs, results: &mut Results) {
    let place = Place::loopback();
    match measure(&place, system, programs) {
        Ok(megabytes) => {
            eprintln!("{:8} round {round} {NODES:8} {system:13} nodes_mb {megabytes:.2}", place.name);
            results.add(place.name, system, "nodes_mb", megabytes);
        }
        Err(error) => {
            let reason = format!("{error:#}");
            eprintln!("{:8} round {round} {NODES:8} {system:13} FAILED: {reason}", place.name);
            let (place, system, client) = (place.name.to_owned(), system.to_owned(), NODES.to_owned());
            results.failures.push(Failure { place, system, client, round, reason });
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "kB of memory stay far below 2^52")]
fn measure(place: &Place, carrier: &str, programs: &Programs) -> Result<f64> {
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let service = SocketAddr::new(place.inside.address.into(), free_port()?);
    let bench = Bench { place, programs, entry: systems::entry()?, service, dir: folder.path() };
    let gateway = Gateway::init(&bench, &json!([]))?;
    let mut process = gateway.run(&bench)?;
    process.await_output("gateway runs", PATIENCE)?;
    let mut command = place.inside.command(programs.find("idle_nodes")?);
    command.arg(gateway.config.join("gateway.json")).arg(COUNT.to_string()).arg(carrier);
    let mut nodes = Guarded::spawn(&mut command, "idle-nodes", folder.path())?;
    nodes.await_output(&format!("ready {COUNT}"), PATIENCE)?;
    thread::sleep(SETTLE);
    // Both must still be there: memory of a gateway that lost its nodes is no result.
    nodes.check()?;
    process.check()?;
    Ok(rss_kb(&[process.pid()]) as f64 / 1000.0)
}
