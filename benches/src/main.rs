//! `bench`: measures the tunnel and the relay beside their peers, in one run, with other people's load generators.

mod child;
mod clients;
mod cluster;
mod figure;
mod idle;
mod impair;
mod machine;
mod nginx;
mod place;
mod plot;
mod proc;
mod programs;
mod readme;
mod results;
mod round;
mod selection;
mod systems;
mod table;
mod targets;
mod udp;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use crate::machine::Machine;
use crate::place::Place;
use crate::programs::Programs;
use crate::results::Results;
use crate::selection::{LOOPBACK, Selection};
use crate::systems::Kind;

/// Rounds and seconds per timed run: with all systems less than 40 and 5 minutes.
const FULL: (u32, u64) = (5, 3);
const QUICK: (u32, u64) = (1, 1);

#[derive(Debug, Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Measure, keep the results and, when nothing was left out, rewrite README.md
    Run {
        /// One round of one-second runs; README.md stays as it is
        #[arg(long)]
        quick: bool,
        /// Only these systems, clients or places, separated by commas; README.md stays as it is
        #[arg(long, value_delimiter = ',', value_name = "NAME")]
        only: Vec<String>,
        /// How often everything is measured
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=50))]
        rounds: Option<u32>,
    },
    /// Measure goodput and keystrokes on a 100 Mbit/s line that is long and loses packets
    Impair(impair::Arguments),
    /// Measure how ours over QUIC and kernel Cubic share one queue
    Share(impair::share::Arguments),
    /// Measure what a cluster of many servers costs its manager and its broker
    Cluster(cluster::Arguments),
    /// Rewrite the part of README.md that `impair` writes from its kept results
    RenderImpair {
        #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results/impair.json"))]
        results: PathBuf,
    },
    /// Rewrite README.md and the plots from kept results
    Render {
        #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results/full.json"))]
        results: PathBuf,
    },
}

fn main() -> Result<()> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    match Arguments::parse().act {
        Act::Run { quick, only, rounds } => {
            let selection = Selection::new(&only)?;
            let (usual, seconds) = if quick { QUICK } else { FULL };
            let results = measure(&selection, rounds.unwrap_or(usual), seconds)?;
            let publish = selection.complete && !quick;
            let path = room.join("results").join(if publish { "full.json" } else { "partial.json" });
            results.save(&path)?;
            if publish { readme::write(room, &results) } else { readme::print(&results) }
        }
        Act::Impair(arguments) => impair::run(room, &arguments),
        Act::Share(arguments) => impair::share::run(room, &arguments),
        Act::Cluster(arguments) => {
            raise_descriptor_limit()?;
            cluster::run(room, &arguments)
        }
        Act::RenderImpair { results } => impair::render(room, &results),
        Act::Render { results } => readme::write(room, &Results::load(&results)?),
    }
}

fn measure(selection: &Selection, rounds: u32, seconds: u64) -> Result<Results> {
    raise_descriptor_limit()?;
    // rathole serves two systems, whose names begin with its own.
    let wanted = |peer: &str| selection.systems.iter().any(|system| system.name().starts_with(peer));
    let programs = Programs::locate(wanted)?;
    let mut results = Results {
        machine: Machine::read(&programs),
        rounds,
        seconds,
        minutes: 0.0,
        versions: BTreeMap::new(),
        absent: BTreeMap::new(),
        commands: BTreeMap::new(),
        values: BTreeMap::new(),
        failures: Vec::new(),
    };
    round::take_stock(selection, &programs, &mut results)?;
    let began = Instant::now();
    for name in &selection.places {
        let place = if *name == LOOPBACK { Ok(Place::loopback()) } else { Place::veth() };
        match place {
            Ok(place) => {
                (0..rounds).for_each(|round| round::run(&place, round, selection, &programs, &mut results));
            }
            Err(error) => {
                eprintln!("bench: {name} left out: {error:#}");
                results.absent.insert((*name).to_owned(), format!("{error:#}"));
            }
        }
    }
    idle_nodes(selection, &programs, &mut results);
    results.minutes = (began.elapsed().as_secs_f64() / 6.0).round() / 10.0;
    Ok(results)
}

fn idle_nodes(selection: &Selection, programs: &Programs, results: &mut Results) {
    let tunnels =
        selection.systems.iter().filter(|system| selection.nodes && system.kind() == Kind::OurTunnel);
    for system in tunnels {
        if !results.absent.contains_key(system.name()) {
            // The memory of a thousand nodes hardly varies: two rounds show it.
            (0..results.rounds.min(2)).for_each(|round| idle::run(system.name(), round, programs, results));
        }
    }
}

/// 1000 held connections are 2000 descriptors here and up to 4000 in a relay; children inherit the limit.
fn raise_descriptor_limit() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .context("cannot raise the descriptor limit")
}
