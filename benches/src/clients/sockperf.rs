//! Round trips with sockperf: 64-byte ping-pong over one TCP connection.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Client, Load, Sample, Service};
use crate::child::{Guarded, run};

/// Figure and the percentile as sockperf prints it.
const PERCENTILES: [(&str, &str); 3] = [
    ("rtt_p50", "percentile 50.000 ="),
    ("rtt_p99", "percentile 99.000 ="),
    ("rtt_p999", "percentile 99.900 ="),
];

#[derive(Debug)]
pub(super) struct PingPong;

impl Client for PingPong {
    fn name(&self) -> &'static str {
        "pingpong"
    }

    fn serve(&self, load: &Load<'_>) -> Result<Box<dyn Service>> {
        let mut command = load.place.inside.command(load.programs.find("sockperf")?);
        command.args(["server", "--tcp"]);
        command.args(["-i", &load.service.ip().to_string(), "-p", &load.service.port().to_string()]);
        Ok(Box::new(Guarded::spawn(&mut command, "sockperf-server", load.dir)?))
    }

    fn probe(&self, load: &Load<'_>) -> Result<()> {
        ping_pong(load, 1, Duration::from_secs(4)).map(drop)
    }

    fn measure(&self, load: &Load<'_>) -> Result<Vec<Sample>> {
        let output = ping_pong(load, load.seconds, load.limit())?;
        PERCENTILES.into_iter().map(|(figure, words)| Ok((figure, number_after(&output, words)?))).collect()
    }
}

fn ping_pong(load: &Load<'_>, seconds: u64, limit: Duration) -> Result<String> {
    let mut command = load.place.outside.command(load.programs.find("sockperf")?);
    command.args(["ping-pong", "--tcp", "--full-rtt", "-m", "64", "-t", &seconds.to_string()]);
    command.args(["-i", &load.entry.ip().to_string(), "-p", &load.entry.port().to_string()]);
    let output = run(&mut command, "sockperf", load.dir, limit)?;
    // sockperf ends with 0 even when nobody answered.
    number_after(&output, PERCENTILES[0].1).map(|_| output)
}

fn number_after(output: &str, words: &str) -> Result<f64> {
    let line =
        output.split_once(words).with_context(|| format!("sockperf printed no {words:?}: {output}"))?.1;
    let number = line.split_whitespace().next().context("the line ends")?;
    number.parse().with_context(|| format!("{number:?} is not a number"))
}
