//! The part of README.md about long and lossy lines, between two markers of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::cell::{ALONE, WARM_UP};
use super::contender::{ALL, Contender};
use super::map;
use super::outcome::{Found, Outcome};
use crate::figure::show;

const BEGIN: &str = "<!-- impair: written by `bench impair`, from here -->";
const END: &str = "<!-- impair: to here -->";

/// Title, what a cell holds, and its decimals.
pub(super) type Table = (&'static str, fn(&Found) -> f64, usize);

pub(super) const TABLES: [Table; 3] = [
    ("Goodput, Mbit/s", |found| found.goodput_mbit, 1),
    ("Keystrokes alone, p99, ms", |found| found.idle_p99_ms, 0),
    ("Keystrokes beside the bulk stream, p99, ms", |found| found.loaded_p99_ms, 0),
];

/// Rewrites the part of `room/README.md` and its plot.
pub(super) fn write(room: &Path, outcome: &Outcome) -> Result<()> {
    fs::write(room.join("plots").join("impair.svg"), map::svg(outcome))?;
    replace(room, (BEGIN, END), &report(outcome))
}

/// Puts `part` between two markers of `room/README.md`.
pub(super) fn replace(room: &Path, (begin, end): (&str, &str), part: &str) -> Result<()> {
    let path = room.join("README.md");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) =
        text.split_once(begin).with_context(|| format!("README.md lost its marker {begin}"))?;
    let (_, after) = rest.split_once(end).with_context(|| format!("README.md lost its marker {end}"))?;
    fs::write(&path, format!("{before}{begin}\n{part}{end}{after}"))?;
    eprintln!("bench: {} is written", path.display());
    Ok(())
}

/// Shows the same without keeping it.
pub(super) fn print(outcome: &Outcome) -> Result<()> {
    println!("{}", report(outcome));
    Ok(())
}

/// Those that were measured.
pub(super) fn contenders(outcome: &Outcome) -> Vec<Contender> {
    ALL.into_iter().filter(|one| outcome.cells.iter().any(|cell| cell.contender == one.name)).collect()
}

fn report(outcome: &Outcome) -> String {
    let machine = &outcome.machine;
    let mut text = format!(
        "\n`bench {}`: {}, commit `{}`, {} minutes, {} cores of {}, Linux {}, load average at the start {}. Each cell: {} s of keystrokes alone, {} s of bulk to warm up, {} s of both. The \
         router delivered 99 % of its packets within {} ms of their time on the worst line.\n\n![Long and lossy lines](plots/impair.svg)\n",
        outcome.command,
        machine.date,
        machine.commit,
        outcome.minutes,
        machine.cores,
        machine.cpu,
        machine.kernel,
        machine.load,
        ALONE.as_secs(),
        WARM_UP.as_secs(),
        outcome.seconds,
        show(outcome.worst_lateness(), 2),
    );
    TABLES.iter().for_each(|which| text.push_str(&table(outcome, which)));
    let failed = outcome.cells.iter().filter_map(|cell| Some((cell, cell.found.as_ref().err()?)));
    for (cell, reason) in failed {
        writeln!(text, "\nFailed: {}, {}, round {}: {reason}", cell.contender, cell.line, cell.round).ok();
    }
    text + "\n"
}

fn table(outcome: &Outcome, (title, figure, digits): &Table) -> String {
    let columns = contenders(outcome);
    let labels: Vec<&str> = columns.iter().map(|one| one.label).collect();
    let mut text = format!(
        "\n### {title}\n\n| RTT, loss | {} |\n|---|{}\n",
        labels.join(" | "),
        "---:|".repeat(labels.len())
    );
    for line in outcome.lines() {
        let cell = |one: &Contender| {
            outcome.median(one.name, line, *figure).map_or("failed".to_owned(), |value| show(value, *digits))
        };
        let cells: Vec<String> = columns.iter().map(cell).collect();
        writeln!(text, "| {line} | {} |", cells.join(" | ")).ok();
    }
    text
}
