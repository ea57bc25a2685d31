//! All cells, as they are kept in `results/impair.json`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::cell::Line;
use crate::machine::Machine;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcome {
    pub(crate) machine: Machine,
    /// Arguments of this program.
    pub(crate) command: String,
    pub(crate) seconds: u64,
    pub(crate) minutes: f64,
    pub(crate) cells: Vec<Cell>,
}

/// One contender on one line, once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    pub(crate) contender: String,
    pub(crate) line: Line,
    pub(crate) round: u32,
    /// Or why there is nothing.
    pub(crate) found: Result<Found, String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Found {
    pub(crate) goodput_mbit: f64,
    /// Of keystrokes beside nothing.
    pub(crate) idle_p99_ms: f64,
    /// Beside the bulk stream.
    pub(crate) loaded_p99_ms: f64,
    /// Of the packets through the router: how much later than the line says they were delivered, to a factor of two.
    pub(crate) late_p99_ms: f64,
}

impl Outcome {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is not an outcome of `impair`", path.display()))
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    /// Every line, in the order of RTT and then loss.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.cells.iter().map(|cell| cell.line).collect();
        lines.sort_by(|a, b| a.partial_cmp(b).expect("numbers from a command line"));
        lines.dedup();
        lines
    }

    /// The median of the rounds that gave a number.
    pub(crate) fn median(&self, contender: &str, line: Line, figure: fn(&Found) -> f64) -> Option<f64> {
        let cells = self.cells.iter().filter(|cell| cell.contender == contender && cell.line == line);
        let mut values: Vec<f64> = cells.filter_map(|cell| cell.found.as_ref().ok().map(figure)).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len().is_multiple_of(2) {
            return Some(f64::midpoint(*values.get(middle.checked_sub(1)?)?, values[middle]));
        }
        values.get(middle).copied()
    }

    /// The worst of all cells: how far the emulation was off.
    pub(crate) fn worst_lateness(&self) -> f64 {
        let late =
            self.cells.iter().filter_map(|cell| cell.found.as_ref().ok().map(|found| found.late_p99_ms));
        late.fold(0.0, f64::max)
    }
}
