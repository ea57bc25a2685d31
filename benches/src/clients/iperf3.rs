//! Bulk throughput with iperf3, and what it cost the tunnel's processes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::{Client, Load, Sample, Service};
use crate::child::{Guarded, run_to_end};
use crate::proc::cpu_seconds;
use crate::udp::Drops;

/// Direction from the client's view: up is client to service, through the tunnel towards the end that dialled.
const RUNS: [Run; 4] = [
    Run { throughput: "up_1", cpu: "cpu_up_1", streams: 1, reverse: false },
    Run { throughput: "down_1", cpu: "cpu_down_1", streams: 1, reverse: true },
    Run { throughput: "up_8", cpu: "cpu_up_8", streams: 8, reverse: false },
    Run { throughput: "down_8", cpu: "cpu_down_8", streams: 8, reverse: true },
];

struct Run {
    throughput: &'static str,
    cpu: &'static str,
    streams: u32,
    reverse: bool,
}

const SETTLE: Duration = Duration::from_millis(100);
/// For a server that is still busy with the test before.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Bulk;

impl Client for Bulk {
    fn name(&self) -> &'static str {
        "bulk"
    }

    fn on_veth(&self) -> bool {
        true
    }

    fn serve(&self, load: &Load<'_>) -> Result<Box<dyn Service>> {
        let mut command = load.place.inside.command(load.programs.find("iperf3")?);
        command.args(["-s", "-B", &load.service.ip().to_string(), "-p", &load.service.port().to_string()]);
        Ok(Box::new(Guarded::spawn(&mut command, "iperf3-server", load.dir)?))
    }

    fn probe(&self, load: &Load<'_>) -> Result<()> {
        iperf3(load, &["-n", "1M"], Duration::from_secs(3)).map(drop)
    }

    #[expect(clippy::cast_precision_loss, reason = "a drop count of one run is far below 2^52")]
    fn measure(&self, load: &Load<'_>) -> Result<Vec<Sample>> {
        let drops = Drops::read(&load.tunnel);
        let mut samples = Vec::new();
        for run in &RUNS {
            let (seconds, streams) = (load.seconds.to_string(), run.streams.to_string());
            let mut arguments = vec!["-t", &seconds, "-P", &streams];
            arguments.extend(run.reverse.then_some("-R"));
            let (sum, cpu) = timed(load, &arguments).with_context(|| run.throughput)?;
            samples.push((run.throughput, sum.bits_per_second / 1e9));
            if !load.tunnel.is_empty() {
                samples.push((run.cpu, cpu / (sum.bytes / 1e9)));
            }
        }
        if !load.tunnel.is_empty() {
            let now = Drops::read(&load.tunnel);
            samples.push(("udp_drops", (now.sockets - drops.sockets) as f64));
            samples.push(("udp_drops_namespace", (now.namespace - drops.namespace) as f64));
        }
        Ok(samples)
    }
}

/// One transfer, and the processor time that the tunnel spent on it.
fn timed(load: &Load<'_>, arguments: &[&str]) -> Result<(Sum, f64)> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // What the transfer before left in the tunnel's buffers drains, and is not counted here.
        thread::sleep(SETTLE);
        let cpu = cpu_seconds(&load.tunnel);
        match iperf3(load, arguments, load.limit()) {
            Ok(sum) => return Ok((sum, cpu_seconds(&load.tunnel) - cpu)),
            // The server serves one test at a time, and learns late, through the tunnel, that one has ended.
            Err(error) if error.to_string().contains("busy") && Instant::now() < deadline => {}
            Err(error) => return Err(error),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Report {
    end: Option<End>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct End {
    sum_received: Option<Sum>,
}

/// What the receiver counted.
#[derive(Debug, Deserialize)]
struct Sum {
    bytes: f64,
    bits_per_second: f64,
}

fn iperf3(load: &Load<'_>, arguments: &[&str], limit: Duration) -> Result<Sum> {
    let mut command = load.place.outside.command(load.programs.find("iperf3")?);
    command.args(["-J", "-c", &load.entry.ip().to_string(), "-p", &load.entry.port().to_string()]);
    let (success, output) = run_to_end(command.args(arguments), "iperf3", load.dir, limit)?;
    let report: Report = serde_json::from_str(&output).context("iperf3 wrote no JSON")?;
    if let Some(error) = report.error {
        bail!("iperf3: {error}");
    }
    ensure!(success, "iperf3 failed and gave no reason");
    report.end.and_then(|end| end.sum_received).context("iperf3 received nothing")
}
