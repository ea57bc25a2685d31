//! What a run found, as it is kept in `results/*.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// Place -> system -> figure -> one value per round.
type Values = BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<f64>>>>;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rounds: u32,
    /// Length of one timed run.
    pub(crate) seconds: u64,
    pub(crate) minutes: f64,
    /// System -> version, for those that ran.
    pub(crate) versions: BTreeMap<String, String>,
    /// System -> why it did not run.
    pub(crate) absent: BTreeMap<String, String>,
    /// System or client -> command lines.
    pub(crate) commands: BTreeMap<String, Vec<String>>,
    pub(crate) values: Values,
    pub(crate) failures: Vec<Failure>,
}

/// One measurement that gave no number.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) place: String,
    pub(crate) system: String,
    pub(crate) client: String,
    pub(crate) round: u32,
    pub(crate) reason: String,
}

/// Median and range of a figure's rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Results {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is not a result of this program", path.display()))
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&serde_json::to_value(self)?)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    pub(crate) fn add(&mut self, place: &str, system: &str, figure: &str, value: f64) {
        // Four decimals are below what any of the clients resolves, and keep the file small.
        let value = (value * 1e4).round() / 1e4;
        let systems = self.values.entry(place.to_owned()).or_default();
        let figures = systems.entry(system.to_owned()).or_default();
        figures.entry(figure.to_owned()).or_default().push(value);
    }

    pub(crate) fn spread(&self, place: &str, system: &str, figure: &str) -> Option<Spread> {
        Spread::of(self.values.get(place)?.get(system)?.get(figure)?)
    }

    pub(crate) fn median(&self, place: &str, system: &str, figure: &str) -> Option<f64> {
        self.spread(place, system, figure).map(|spread| spread.median)
    }
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Some(Self { min, median, max })
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]), Some(Spread { min: 1.0, median: 2.5, max: 4.0 }));
        assert_eq!(Spread::of(&[]), None);
    }
}
