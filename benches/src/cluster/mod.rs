//! What a cluster of many servers costs its manager and its broker, on two cores.

mod page;
mod run;

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::programs::Programs;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Servers and seconds between their updates, such as 1000x10
    #[arg(long, value_delimiter = ',', default_values_t = ["1000x10".to_owned(), "10000x60".to_owned()])]
    sizes: Vec<String>,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Rewrite the part of README.md
    #[arg(long)]
    publish: bool,
}

/// One row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Row {
    servers: usize,
    interval: u64,
    /// Parts of one core.
    manager_cpu: f64,
    broker_cpu: f64,
    manager_mb: f64,
    broker_mb: f64,
    timed: Timed,
}

/// What `members` prints: from an update until the manager tells of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Timed {
    p50_ms: f64,
    p99_ms: f64,
    samples: usize,
    /// From a change of a setting until every server follows it: the slowest of ten.
    settings_ms: f64,
    /// Of one update.
    bytes: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Outcome {
    machine: Machine,
    seconds: u64,
    broker: String,
    rows: Vec<Row>,
}

pub(crate) fn run(room: &Path, arguments: &Arguments) -> Result<()> {
    let programs = Programs::locate(|_| false)?;
    let machine = Machine::read(&programs);
    let mut rows = Vec::new();
    for size in &arguments.sizes {
        let (servers, interval) = size.split_once('x').context("write SERVERSxSECONDS, such as 1000x10")?;
        rows.push(run::measure(&programs, servers.parse()?, interval.parse()?, arguments.seconds)?);
        eprintln!("bench: {:?}", rows.last());
    }
    let broker = format!("nats-server {}", programs.version("nats-server", &["--version"])?);
    let outcome = Outcome { machine, seconds: arguments.seconds, broker, rows };
    if arguments.publish {
        std::fs::write(room.join("results/cluster.json"), serde_json::to_vec_pretty(&outcome)?)?;
        page::write(room, &outcome)
    } else {
        print!("{}", page::report(&outcome));
        Ok(())
    }
}
