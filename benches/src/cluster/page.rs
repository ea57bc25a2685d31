//! The part of README.md about clusters, between two markers of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Outcome;

const BEGIN: &str = "<!-- cluster: written by `bench cluster`, from here -->";
const END: &str = "<!-- cluster: to here -->";

pub(super) fn write(room: &Path, outcome: &Outcome) -> Result<()> {
    let path = room.join("README.md");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) =
        text.split_once(BEGIN).with_context(|| format!("README.md lost its marker {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("README.md lost its marker {END}"))?;
    Ok(fs::write(&path, format!("{before}{BEGIN}\n{}{END}{after}", report(outcome)))?)
}

pub(super) fn report(outcome: &Outcome) -> String {
    let (machine, bytes) = (&outcome.machine, outcome.rows.first().map_or(0, |row| row.timed.bytes));
    let mut text = format!(
        "\n`bench cluster`: {}, commit `{}`, {}, {} s each, updates of {bytes} bytes, {} cores of {}, Linux {}, load \
         average at the start {}.\n\n| servers | update every | manager, cores | broker, cores | manager, MB | broker, MB | \
         update known after, p50 | p99 | timed | setting at all servers after |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        machine.date,
        machine.commit,
        outcome.broker,
        outcome.seconds,
        machine.cores,
        machine.cpu,
        machine.kernel,
        machine.load,
    );
    for row in &outcome.rows {
        let _infallible = writeln!(
            text,
            "| {} | {} s | {:.2} | {:.2} | {:.0} | {:.0} | {:.1} ms | {:.1} ms | {} | {:.0} ms |",
            row.servers,
            row.interval,
            row.manager_cpu,
            row.broker_cpu,
            row.manager_mb,
            row.broker_mb,
            row.timed.p50_ms,
            row.timed.p99_ms,
            row.timed.samples,
            row.timed.settings_ms,
        );
    }
    text.push('\n');
    text
}
