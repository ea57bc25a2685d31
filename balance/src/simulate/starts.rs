//! The starts of a day: drawn by chance, or read from a file. Every chain gets the same ones.

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Map, Value, json};

use super::scenario::{Chance, MAX_STARTS, Scenario, ScenarioError, Spread};

const MINUTE_MS: f64 = 60_000.0;
pub(super) const HOUR_MS: u64 = 3_600_000;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;
/// Of the normal distribution: one in ten is further above its middle.
const P90: f64 = 1.281_551_6;
const GIB: f64 = 1_073_741_824.0;

/// What one person starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Milliseconds since midnight.
    pub at: u64,
    /// Milliseconds.
    pub lasts: u64,
    pub login: String,
    pub groups: Vec<String>,
    /// Processors that it keeps busy.
    pub load: f64,
    /// Bytes.
    pub memory: f64,
    pub data: Map<String, Value>,
}

impl Scenario {
    /// Drawn by chance, in the order of time. The same seed draws the same.
    pub fn draw(&self, seed: u64) -> Vec<Start> {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let weights: Vec<f64> = self.sessions.iter().map(|kind| kind.weight).collect();
        let mut starts: Vec<Start> = (0..self.starts).map(|_| self.one(&mut rng, &weights)).collect();
        starts.sort_by_key(|start| start.at);
        starts
    }

    fn one(&self, rng: &mut Pcg64Mcg, weights: &[f64]) -> Start {
        let hour = pick(rng, &self.hours) as u64;
        let kind = &self.sessions[pick(rng, weights)];
        Start {
            at: hour * HOUR_MS + rng.random_range(0..HOUR_MS),
            login: format!("user{}", rng.random_range(0..self.people)),
            lasts: (kind.minutes.draw(rng) * MINUTE_MS) as u64,
            groups: kind.groups.clone(),
            load: kind.load.draw(rng),
            memory: kind.memory_gib.draw(rng) * GIB,
            data: kind.data.clone(),
        }
    }
}

fn pick(rng: &mut Pcg64Mcg, weights: &[f64]) -> usize {
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    let chosen = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    chosen.or_else(|| weights.iter().rposition(|weight| *weight > 0.0)).unwrap_or(0)
}

impl Spread {
    fn draw(self, rng: &mut Pcg64Mcg) -> f64 {
        match self {
            Self::Always(value) => value,
            Self::Chance(Chance { median, p90 }) => {
                // Box and Muller's way from even numbers to the normal distribution.
                let (one, other): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
                let normal = (-2.0 * one.ln()).sqrt() * (TAU * other).cos();
                median * (normal * (p90 / median).ln() / P90).exp()
            }
        }
    }
}

/// Starts from a table: `at,minutes,login,groups,load,memoryGiB,params` on the first line, in any order; `at` (`08:30` or
/// `08:30:15`) and `minutes` must be there. Groups have `;` between them, params are `key=value;key=value`. No quotes.
pub fn read_csv(text: &str) -> Result<Vec<Start>, ScenarioError> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let head: Vec<&str> =
        lines.next().map(|(_, line)| line.split(',').map(str::trim).collect()).unwrap_or_default();
    let at = |line: usize, why: String| ScenarioError::Line { line: line + 1, why };
    const COLUMNS: [&str; 7] = ["at", "minutes", "login", "groups", "load", "memoryGiB", "params"];
    if let Some(odd) = head.iter().find(|name| !COLUMNS.contains(name)) {
        return Err(at(0, format!("there is no column `{odd}`; there are {}", COLUMNS.join(", "))));
    }
    let mut starts = Vec::new();
    for (number, line) in lines {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if cells.len() != head.len() {
            return Err(at(number, format!("{} values under {} names", cells.len(), head.len())));
        }
        let cell = |name: &str| head.iter().position(|known| *known == name).map(|place| cells[place]);
        starts.push(row(cell).map_err(|why| at(number, why))?);
    }
    if starts.is_empty() || starts.len() > MAX_STARTS {
        return Err(ScenarioError::Count { what: "starts", count: starts.len(), most: MAX_STARTS });
    }
    starts.sort_by_key(|start: &Start| start.at);
    Ok(starts)
}

fn row<'a>(cell: impl Fn(&str) -> Option<&'a str>) -> Result<Start, String> {
    let number = |name: &str, otherwise: f64| match cell(name) {
        None | Some("") => Ok(otherwise),
        Some(text) => {
            let read = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
            read.ok_or_else(|| format!("{name}: `{text}` is no number, 0 or more"))
        }
    };
    let list = |name: &str| {
        let texts = cell(name).unwrap_or_default().split(';').map(str::trim).filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>()
    };
    let minutes = cell("minutes").filter(|text| !text.is_empty()).ok_or("minutes are missing")?;
    let params: Map<String, Value> = list("params")
        .into_iter()
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let clock_text = cell("at").unwrap_or_default();
    Ok(Start {
        at: clock(clock_text).ok_or_else(|| format!("at: `{clock_text}` is no time of day such as 08:30"))?,
        lasts: number("minutes", 0.0)
            .map(|minutes| (minutes * MINUTE_MS) as u64)
            .map_err(|why| format!("{why} ({minutes})"))?,
        login: cell("login").filter(|login| !login.is_empty()).unwrap_or("somebody").to_owned(),
        groups: list("groups").into_iter().map(str::to_owned).collect(),
        load: number("load", 0.5)?,
        memory: number("memoryGiB", 2.0)? * GIB,
        data: Map::from_iter([("params".to_owned(), json!(params))]),
    })
}

/// `08:30` or `08:30:15`, in milliseconds.
fn clock(text: &str) -> Option<u64> {
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes] => (hours, minutes, 0),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    (hours < 24 && minutes < 60 && seconds < 60).then_some(((hours * 60 + minutes) * 60 + seconds) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_day_and_the_distributions_are_those_that_are_asked_for() {
        let mut scenario: Scenario = serde_json::from_str(Scenario::shipped()).unwrap();
        scenario.check().unwrap();
        scenario.starts = 20_000;
        let starts = scenario.draw(1);
        assert_eq!(starts, scenario.draw(1));
        assert_ne!(starts, scenario.draw(2));
        assert!(starts.is_sorted_by_key(|start| start.at));
        let mut minutes: Vec<f64> = starts
            .iter()
            .filter(|start| start.groups.is_empty() && start.data.is_empty())
            .map(|start| start.lasts as f64 / MINUTE_MS)
            .collect();
        minutes.sort_by(f64::total_cmp);
        let (median, p90) = (minutes[minutes.len() / 2], minutes[minutes.len() * 9 / 10]);
        assert!((140.0..160.0).contains(&median) && (450.0..510.0).contains(&p90), "{median} {p90}");
        let at_eight = starts.iter().filter(|start| start.at / HOUR_MS == 8).count() as f64 / 20_000.0;
        let share = scenario.hours[8] / scenario.hours.iter().sum::<f64>();
        assert!((at_eight - share).abs() < 0.02, "{at_eight} {share}");
    }

    #[test]
    fn a_table_of_ones_own_is_read_and_mistakes_have_their_line() {
        let table = "login,at,minutes,params,groups\nbob,13:05:30,90,gpu=true,a;b\n\nalice,08:30,0.5,,\n";
        let starts = read_csv(table).unwrap();
        assert_eq!((starts[0].login.as_str(), starts[0].at, starts[0].lasts), ("alice", 30_600_000, 30_000));
        assert_eq!(starts[1].groups, ["a", "b"]);
        assert_eq!(Value::Object(starts[1].data.clone()), json!({ "params": { "gpu": "true" } }));
        let wrong = [
            ("at,minuts\n", "line 1: there is no column `minuts`"),
            ("at,minutes\n25:00,3\n", "line 2: at: `25:00`"),
            ("at,minutes\n12:00,x\n", "line 2: minutes: `x`"),
            ("at,minutes\n12:00\n", "line 2: 1 values under 2 names"),
            ("at,minutes\n", "there are 0 starts"),
        ];
        for (text, words) in wrong {
            let said = read_csv(text).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn a_scenario_that_cannot_be_run_says_what_is_wrong() {
        let wrong = |change: fn(&mut Scenario), words: &str| {
            let mut scenario: Scenario = serde_json::from_str(Scenario::shipped()).unwrap();
            change(&mut scenario);
            let said = scenario.check().unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        };
        wrong(|scenario| scenario.fleet.clear(), "0 machines");
        wrong(|scenario| scenario.starts = 0, "0 starts");
        wrong(|scenario| scenario.hours = [0.0; 24], "hours must be");
        wrong(|scenario| scenario.fleet[0].cpus = 0, "cpus of small");
        wrong(|scenario| scenario.sessions[0].load = Spread::Always(-1.0), "load of desktop");
        wrong(
            |scenario| scenario.sessions[1].minutes = Spread::Chance(Chance { median: 2.0, p90: 1.0 }),
            "p90 of minutes of solver",
        );
    }
}
