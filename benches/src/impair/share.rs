//! `bench share`: ours over QUIC and kernel Cubic over one queue, who was first and how long it is.

use std::fmt::Write as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use netsim::link::{Model, Queue};

use super::cell::{await_ready, tenths};
use super::load::{Bulk, Service, probe};
use super::page::replace;
use super::stage::{RATE, Stage};
use crate::figure::show;
use crate::machine::Machine;
use crate::programs::Programs;
use crate::systems::{self, Bench};

const MARKERS: (&str, &str) =
    ("<!-- share: written by `bench share`, from here -->", "<!-- share: to here -->");
/// Between the starts of the two, and from the second start to the measurement.
const APART: Duration = Duration::from_secs(5);
const SETTLE: Duration = Duration::from_secs(10);
/// Nobody takes more than twice what the other gets.
const FAIR: std::ops::RangeInclusive<f64> = 0.5..=2.0;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Round-trip times, in ms
    #[arg(long, value_delimiter = ',', default_value = "10,50,100")]
    rtt: Vec<u32>,
    /// Lengths of the queue, in multiples of what is under way on the full line
    #[arg(long, value_delimiter = ',', default_value = "0.5,1,2,4")]
    queue: Vec<f64>,
    /// Seconds that are measured
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Rewrite the table in README.md
    #[arg(long)]
    publish: bool,
}

/// Whose bulk stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Ours,
    Cubic,
}

/// In the order of their starts.
const PAIRS: [[Who; 2]; 3] = [[Who::Ours, Who::Cubic], [Who::Cubic, Who::Ours], [Who::Cubic, Who::Cubic]];

/// One line of the table.
struct Row {
    rtt_ms: u32,
    queue: f64,
    /// Mbit/s of each of [`PAIRS`]; or why there is nothing.
    pairs: Vec<Result<[f64; 2], String>>,
}

/// Measures, and shows or publishes it.
pub(crate) fn run(room: &Path, arguments: &Arguments) -> Result<()> {
    let programs = Programs::locate(|_| false)?;
    let (machine, stage) = (Machine::read(&programs), Stage::build()?);
    let mut rows = Vec::new();
    for &rtt_ms in &arguments.rtt {
        for &queue in &arguments.queue {
            let measured = PAIRS.iter().map(|pair| {
                let shared = measure(&stage, &programs, (rtt_ms, queue), *pair, arguments.seconds);
                eprintln!("{rtt_ms:4} ms, queue {queue:4}: {pair:?} {shared:?}");
                shared.map_err(|error| format!("{error:#}"))
            });
            let pairs = measured.collect();
            rows.push(Row { rtt_ms, queue, pairs });
        }
    }
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let text = report(&command, &machine, arguments.seconds, &rows);
    if arguments.publish {
        return replace(room, MARKERS, &text);
    }
    println!("{text}");
    Ok(())
}

/// Mbit/s of both while both send.
fn measure(
    stage: &Stage,
    programs: &Programs,
    (rtt_ms, queue): (u32, f64),
    pair: [Who; 2],
    seconds: u64,
) -> Result<[f64; 2]> {
    let rtt = Duration::from_millis(rtt_ms.into());
    let queue = Queue::Time(rtt.mul_f64(queue));
    stage.become_model(Model { delay: rtt / 2, queue: Some(queue), ..Model::default() }, "cubic")?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let serving = Service::start(&stage.place.inside)?;
    let (service, entry) = (serving.address, systems::entry()?);
    let bench = Bench { place: &stage.place, programs, entry, service, dir: folder.path() };
    let all = systems::all();
    let ours = all.iter().find(|system| system.name() == "quic").context("no such system")?;
    let mut tunnel = ours.start(&bench)?;
    await_ready(&mut tunnel, || probe(&stage.place.outside, entry))?;
    let begin = |who: Who| Bulk::begin(&stage.place.outside, if who == Who::Ours { entry } else { service });
    let first = begin(pair[0])?;
    thread::sleep(APART);
    let streams = [first, begin(pair[1])?];
    thread::sleep(SETTLE);
    let before = streams.each_ref().map(Bulk::received);
    thread::sleep(Duration::from_secs(seconds));
    let after = streams.each_ref().map(Bulk::received);
    stage.counts()?;
    #[expect(clippy::cast_precision_loss, reason = "bytes of a minute, far below 2^52")]
    let mbit = |at: usize| tenths((after[at] - before[at]) as f64 * 8.0 / 1e6 / seconds as f64);
    Ok([mbit(0), mbit(1)])
}

fn report(command: &str, machine: &Machine, seconds: u64, rows: &[Row]) -> String {
    let mut text = format!(
        "\n`bench {command}`: {}, commit `{}`, {} cores, Linux {}, load average at the start {}. {} Mbit/s, {seconds} s, \
         from {} s after the second began. Each cell: ours / Cubic in Mbit/s, and ours in multiples of Cubic\u{2019}s; bold \
         outside of {} to {}.\n\n\
         | RTT, queue | ours first | Cubic first | Cubic first / Cubic second |\n|---|---:|---:|---:|\n",
        machine.date,
        machine.commit,
        machine.cores,
        machine.kernel,
        machine.load,
        RATE.get() / 1_000_000,
        SETTLE.as_secs(),
        FAIR.start(),
        FAIR.end(),
    );
    for row in rows {
        let cells: Vec<String> =
            row.pairs.iter().zip(PAIRS).map(|(shared, pair)| cell(shared, pair)).collect();
        writeln!(text, "| {} ms, {} | {} |", row.rtt_ms, row.queue, cells.join(" | ")).ok();
    }
    text + "\n"
}

fn cell(shared: &Result<[f64; 2], String>, pair: [Who; 2]) -> String {
    let [first, second] = match shared {
        Ok(shared) => *shared,
        Err(reason) => return format!("failed: {reason}"),
    };
    let (ours, theirs) = if pair[1] == Who::Ours { (second, first) } else { (first, second) };
    let (ratio, both) = (ours / theirs, format!("{} / {}", show(ours, 1), show(theirs, 1)));
    let bold = if FAIR.contains(&ratio) { "" } else { "**" };
    format!("{both}, {bold}{}x{bold}", show(ratio, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_stands_in_front_whoever_was_first() {
        assert_eq!(cell(&Ok([60.0, 30.0]), PAIRS[0]), "60.0 / 30.0, 2.00x");
        assert_eq!(cell(&Ok([60.0, 20.0]), PAIRS[1]), "20.0 / 60.0, **0.33x**");
        assert_eq!(cell(&Err("no way".to_owned()), PAIRS[1]), "failed: no way");
    }
}
