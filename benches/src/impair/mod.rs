//! `bench impair`: what is left of a 100 Mbit/s line when it is long and loses packets, beside the peers and kernel TCP.
//!
//! ```text
//! contender   a system, and the congestion control of every TCP socket around it
//! stage       two namespaces with netsim's router between them
//! load        a bulk stream and keystrokes, and the service for both
//! cell        one contender on one line
//! outcome     all cells, as they are kept
//! page, map   the part of README.md, and its plot
//! share       another table: two bulk streams over one queue, ours and the kernel's
//! ```

mod cell;
mod contender;
mod load;
mod map;
mod outcome;
mod page;
pub(crate) mod share;
mod stage;

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use crate::machine::Machine;
use crate::programs::Programs;
use cell::Line;
use contender::{ALL, Contender};
use outcome::{Cell, Outcome};
use stage::Stage;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Round-trip times, in ms
    #[arg(long, value_delimiter = ',', default_value = "10,50,200")]
    rtt: Vec<u32>,
    /// Packets lost each way, in percent
    #[arg(long, value_delimiter = ',', default_value = "0,0.1,1,3")]
    loss: Vec<f64>,
    /// Only these contenders: quic, tls, rathole, ssh, direct; with -bbr behind it (but quic), under kernel BBR
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Seconds that are measured with the bulk stream
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often each cell is measured
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Keep the results, and rewrite their part of README.md and its plot
    #[arg(long)]
    publish: bool,
}

impl Arguments {
    fn contenders(&self) -> Result<Vec<Contender>> {
        if let Some(stranger) = self.only.iter().find(|name| !ALL.iter().any(|one| one.name == **name)) {
            let known: Vec<&str> = ALL.iter().map(|one| one.name).collect();
            bail!("--only {stranger}: no such name; known are {}", known.join(", "));
        }
        let wanted = |one: &Contender| {
            if self.only.is_empty() { one.usual } else { self.only.iter().any(|name| name == one.name) }
        };
        Ok(ALL.into_iter().filter(wanted).collect())
    }

    fn lines(&self) -> Vec<Line> {
        let line = |rtt_ms: u32| self.loss.iter().map(move |&loss_percent| Line { rtt_ms, loss_percent });
        self.rtt.iter().flat_map(|&rtt| line(rtt)).collect()
    }
}

/// Measures, keeps the outcome, and shows or publishes it.
pub(crate) fn run(room: &Path, arguments: &Arguments) -> Result<()> {
    let contenders = arguments.contenders()?;
    let programs = Programs::locate(|peer| contenders.iter().any(|one| one.system == peer))?;
    let mut outcome = Outcome {
        machine: Machine::read(&programs),
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        seconds: arguments.seconds,
        minutes: 0.0,
        cells: Vec::new(),
    };
    let (stage, began) = (Stage::build()?, Instant::now());
    for round in 0..arguments.rounds {
        // Line by line, all contenders on each: a disturbance of the machine meets all of them.
        for line in arguments.lines() {
            for contender in &contenders {
                let cell = cell::measure(&stage, *contender, line, round, arguments.seconds, &programs);
                report(&cell);
                outcome.cells.push(cell);
            }
        }
    }
    outcome.minutes = (began.elapsed().as_secs_f64() / 6.0).round() / 10.0;
    let path = room.join("results").join(if arguments.publish { "impair.json" } else { "partial.json" });
    outcome.save(&path)?;
    if arguments.publish { page::write(room, &outcome) } else { page::print(&outcome) }
}

/// Rewrites the part of README.md and its plot from kept results.
pub(crate) fn render(room: &Path, results: &Path) -> Result<()> {
    page::write(room, &Outcome::load(results)?)
}

fn report(cell: &Cell) {
    let (line, name) = (cell.line, &cell.contender);
    match &cell.found {
        Ok(found) => eprintln!(
            "{line:14} {name:12} {:6.1} Mbit/s  keystrokes p99 {:7.1} ms, beside bulk {:7.1} ms  (router late {:.2} ms)",
            found.goodput_mbit, found.idle_p99_ms, found.loaded_p99_ms, found.late_p99_ms
        ),
        Err(reason) => eprintln!("{line:14} {name:12} FAILED: {reason}"),
    }
}
