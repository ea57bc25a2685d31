//! Results as Markdown tables.

use std::fmt::Write as _;

use crate::figure::{self, Figure, show};
use crate::results::{Results, Spread};
use crate::systems::{self, Kind, System};
use crate::targets::verdicts;

/// Figures as rows and systems as columns; the systems that `wanted` takes and that have numbers.
pub(crate) fn figures(results: &Results, place: &str, wanted: fn(Kind) -> bool) -> String {
    let has_numbers = |system: &dyn System| {
        results.values.get(place).is_some_and(|systems| systems.contains_key(system.name()))
    };
    let mut columns = systems::all();
    columns.retain(|system| wanted(system.kind()) && has_numbers(system.as_ref()));
    let labels: Vec<&str> = columns.iter().map(|system| system.label()).collect();
    let mut text = format!("| figure | {} |\n|---|{}\n", labels.join(" | "), "---|".repeat(labels.len()));
    for figure in &figure::ALL {
        let cells: Vec<Option<Spread>> =
            columns.iter().map(|system| results.spread(place, system.name(), figure.name)).collect();
        if cells.iter().any(Option::is_some) {
            let cells: Vec<String> = cells.into_iter().map(|spread| cell(spread, figure)).collect();
            text += &format!("| {} | {} |\n", figure.label, cells.join(" | "));
        }
    }
    text
}

/// Median, and below it the range when there was more than one round.
fn cell(spread: Option<Spread>, figure: &Figure) -> String {
    let Some(Spread { min, median, max }) = spread else { return "–".to_owned() };
    let [low, middle, high] = [min, median, max].map(|value| show(value, figure.digits));
    if low == high { middle } else { format!("{middle}<br><sub>{low}–{high}</sub>") }
}

/// Every goal with met or missed, and by how much.
pub(crate) fn goals(results: &Results) -> String {
    let mut text = "| goal | ours | bound | from | |\n|---|---|---|---|---|\n".to_owned();
    for verdict in verdicts(results) {
        let (ours, bound) = (show(verdict.ours, verdict.digits), show(verdict.bound, verdict.digits));
        let word = if verdict.met { "met".to_owned() } else { missed(verdict.ours, verdict.bound) };
        text += &format!("| {} | {ours} | {bound} | {} | {word} |\n", verdict.goal, verdict.rival);
    }
    text
}

fn missed(ours: f64, bound: f64) -> String {
    format!("**missed** ({:.2}x)", ours / bound)
}

/// Machine, versions and what did not run.
pub(crate) fn conditions(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "{}, commit `{}`, {} rounds of {} s, {} minutes. {} cores of {}, {} GB, Linux {}, {} congestion control, \
         socket buffers at most {} / {} bytes, load average at the start {}.\n\n",
        machine.date,
        machine.commit,
        results.rounds,
        results.seconds,
        results.minutes,
        machine.cores,
        machine.cpu,
        machine.memory_gb,
        machine.kernel,
        machine.congestion,
        machine.socket_buffers[0],
        machine.socket_buffers[1],
        machine.load
    );
    let versions: Vec<String> =
        systems::all().iter().filter_map(|system| version(results, system.as_ref())).collect();
    text += &format!("Systems: {}. Clients: {}.\n", versions.join(", "), machine.clients.join(", "));
    for (name, reason) in &results.absent {
        writeln!(text, "\nNot measured: {name}: {reason}.").ok();
    }
    for failure in &results.failures {
        let (place, system, client) = (&failure.place, &failure.system, &failure.client);
        writeln!(
            text,
            "\nFailed: {system} with {client} in {place}, round {}: {}",
            failure.round, failure.reason
        )
        .ok();
    }
    text
}

fn version(results: &Results, system: &dyn System) -> Option<String> {
    Some(format!("{} {}", system.label(), results.versions.get(system.name())?))
}

/// What was typed for each system and client.
pub(crate) fn commands(results: &Results) -> String {
    let mut text = String::new();
    for (name, lines) in results.commands.iter().filter(|(_, lines)| !lines.is_empty()) {
        text += &format!("# {name}\n{}\n", lines.join("\n"));
    }
    text
}
