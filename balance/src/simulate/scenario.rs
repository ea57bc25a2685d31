//! What a day is made of: machines, people, and the sessions that they start.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most machines, and the most starts of a day: a chain is asked for each start.
pub const MAX_MACHINES: usize = 10_000;
pub const MAX_STARTS: usize = 1_000_000;

/// As it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    #[serde(default)]
    pub title: String,
    pub fleet: Vec<Machines>,
    /// Who starts sessions: so many people, each as often as the others.
    #[serde(default = "hundred")]
    pub people: u32,
    /// Sessions that are started in the day.
    pub starts: u32,
    /// How many of them in each hour, compared to the others: 24 numbers.
    #[serde(default = "office")]
    pub hours: [f64; 24],
    pub sessions: Vec<Kind>,
}

/// Machines that are alike: `NAME-1`, `NAME-2`, …
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Machines {
    pub name: String,
    #[serde(default = "one")]
    pub count: u32,
    pub cpus: u32,
    #[serde(rename = "memoryGiB")]
    pub memory_gib: f64,
    #[serde(default)]
    pub gpus: u32,
    /// A start fails on a machine that has so many sessions.
    #[serde(default)]
    pub most_sessions: Option<u32>,
    #[serde(default)]
    pub static_data: Map<String, Value>,
    /// The first of them crashes then, with its sessions, and comes back.
    #[serde(default)]
    pub away: Option<Away>,
}

/// Times of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Away {
    #[serde(with = "config::duration")]
    pub from: Duration,
    #[serde(with = "config::duration")]
    pub until: Duration,
}

/// A kind of session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kind {
    pub name: String,
    /// How many of the starts are of this kind, compared to the others.
    #[serde(default = "weight")]
    pub weight: f64,
    pub minutes: Spread,
    /// Processors that it keeps busy.
    pub load: Spread,
    #[serde(rename = "memoryGiB")]
    pub memory_gib: Spread,
    /// Groups of who starts it.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What the request carries, such as `{"params": {"gpu": "true"}}`.
    #[serde(default)]
    pub data: Map<String, Value>,
}

/// Always the same, or by chance: half of them below the median, one in ten above `p90` (log-normal).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Spread {
    Always(f64),
    Chance(Chance),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chance {
    pub median: f64,
    pub p90: f64,
}

fn hundred() -> u32 {
    100
}

fn one() -> u32 {
    1
}

fn weight() -> f64 {
    1.0
}

/// People come at eight and at one.
fn office() -> [f64; 24] {
    [
        1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 6.0, 20.0, 60.0, 50.0, 30.0, 20.0, 15.0, 35.0, 25.0, 18.0, 12.0, 8.0,
        6.0, 5.0, 4.0, 3.0, 2.0, 1.0,
    ]
}

/// Why a scenario cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    #[error("{what} must be {wanted}")]
    Number { what: String, wanted: &'static str },
    #[error("there are {count} {what}: at least 1, and at most {most}")]
    Count { what: &'static str, count: usize, most: usize },
    #[error("two machines would have the name {0}")]
    Twice(String),
    #[error("line {line}: {why}")]
    Line { line: usize, why: String },
}

impl Scenario {
    /// The one that comes with the program: an office with two kinds of machines, one of which fails for an hour.
    pub fn shipped() -> &'static str {
        include_str!("../../scenarios/office.json")
    }

    pub fn check(&self) -> Result<(), ScenarioError> {
        let machines = self.fleet.iter().map(|machines| machines.count as usize).sum();
        count("machines", machines, MAX_MACHINES)?;
        count("starts", self.starts as usize, MAX_STARTS)?;
        count("people", self.people as usize, MAX_STARTS)?;
        count("kinds of sessions", self.sessions.len(), 100)?;
        weights("hours", &self.hours)?;
        weights(
            "the weights of sessions",
            &self.sessions.iter().map(|kind| kind.weight).collect::<Vec<_>>(),
        )?;
        for machines in &self.fleet {
            let of = |what| format!("{what} of {}", machines.name);
            number(of("cpus"), f64::from(machines.cpus), 1.0)?;
            number(of("memoryGiB"), machines.memory_gib, f64::MIN_POSITIVE)?;
        }
        for kind in &self.sessions {
            kind.minutes.check(&format!("minutes of {}", kind.name))?;
            kind.load.check(&format!("load of {}", kind.name))?;
            kind.memory_gib.check(&format!("memoryGiB of {}", kind.name))?;
        }
        Ok(())
    }
}

impl Spread {
    fn check(self, what: &str) -> Result<(), ScenarioError> {
        match self {
            Self::Always(value) => number(what.to_owned(), value, 0.0),
            Self::Chance(Chance { median, p90 }) => {
                number(format!("the median of {what}"), median, f64::MIN_POSITIVE)?;
                let wanted = "a number that is not smaller than the median";
                let is_fine = p90.is_finite() && p90 >= median;
                if is_fine {
                    Ok(())
                } else {
                    Err(ScenarioError::Number { what: format!("p90 of {what}"), wanted })
                }
            }
        }
    }
}

fn count(what: &'static str, count: usize, most: usize) -> Result<(), ScenarioError> {
    if (1..=most).contains(&count) { Ok(()) } else { Err(ScenarioError::Count { what, count, most }) }
}

fn number(what: String, value: f64, least: f64) -> Result<(), ScenarioError> {
    let wanted = if least == 0.0 { "a number, 0 or more" } else { "a number above 0" };
    if value.is_finite() && value >= least { Ok(()) } else { Err(ScenarioError::Number { what, wanted }) }
}

fn weights(what: &str, weights: &[f64]) -> Result<(), ScenarioError> {
    let is_fine = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
        && weights.iter().sum::<f64>() > 0.0;
    let wanted = "numbers, 0 or more, and one of them above 0";
    if is_fine { Ok(()) } else { Err(ScenarioError::Number { what: what.to_owned(), wanted }) }
}
