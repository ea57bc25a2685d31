//! What is measured on a day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::machine::Machine;

/// Reasons of failures that are told apart; the others are counted together.
const MAX_REASONS: usize = 20;

/// What came of a day with one chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub chain: String,
    /// Starts that were asked for.
    pub asked: usize,
    /// Sessions that started; so many of them on another server than the first that was chosen.
    pub started: usize,
    pub retried: usize,
    /// Starts without a session, and why.
    pub failed: usize,
    pub reasons: BTreeMap<String, usize>,
    /// Sessions that ended with their machine.
    pub lost: usize,
    /// The highest load for each processor, of one machine at one look.
    pub peak_load: f64,
    /// The most sessions of one machine.
    pub peak_sessions: usize,
    /// How unevenly the load lies: standard deviation over mean of the load for each processor, over the machines that are up; mean
    /// over all looks, those with more sessions counting more. 0 is even.
    pub unfairness: f64,
    /// The part of all time of sessions that was spent on machines with more load than processors, from 0 to 1.
    pub overloaded: f64,
    pub servers: Vec<String>,
    pub looks: Vec<Look>,
}

/// All machines at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// Minutes since midnight.
    pub minute: u64,
    /// Of each server, in the order of [`Outcome::servers`].
    pub sessions: Vec<usize>,
    /// The highest load for each processor.
    pub peak_load: f64,
    /// None without any load.
    pub unfairness: Option<f64>,
    /// Starts that failed until then.
    pub failed: usize,
}

#[derive(Debug, Default)]
pub(super) struct Watch {
    outcome: Outcome,
    /// Sessions of all looks, and those on overloaded machines.
    seen: usize,
    slow: usize,
}

impl Watch {
    /// At the attempt of this number, from 0.
    pub(super) fn started(&mut self, attempt: usize) {
        self.outcome.started += 1;
        self.outcome.retried += usize::from(attempt > 0);
    }

    pub(super) fn failed(&mut self, why: String) {
        let reasons = &mut self.outcome.reasons;
        let is_known = reasons.contains_key(&why) || reasons.len() < MAX_REASONS;
        *reasons.entry(if is_known { why } else { "other reasons".into() }).or_default() += 1;
        self.outcome.failed += 1;
    }

    pub(super) fn lost(&mut self) {
        self.outcome.lost += 1;
    }

    pub(super) fn look(&mut self, fleet: &[Machine], now: u64) {
        let up = || fleet.iter().filter(|machine| !machine.is_away(now));
        let loads: Vec<f64> = up().map(Machine::load).collect();
        self.seen += up().map(Machine::sessions).sum::<usize>();
        self.slow += up().filter(|machine| machine.load() > 1.0).map(Machine::sessions).sum::<usize>();
        self.outcome.looks.push(Look {
            minute: now / 60_000,
            sessions: fleet.iter().map(Machine::sessions).collect(),
            peak_load: rounded(loads.iter().copied().fold(0.0, f64::max)),
            unfairness: unfairness(&loads).map(rounded),
            failed: self.outcome.failed,
        });
    }

    pub(super) fn outcome(self, chain: &str, fleet: &[Machine], asked: usize) -> Outcome {
        let looks = &self.outcome.looks;
        let uneven = |look: &Look| Some((look.unfairness?, look.sessions.iter().sum::<usize>() as f64));
        let weighed: Vec<(f64, f64)> = looks.iter().filter_map(uneven).collect();
        let all = weighed.iter().map(|(_, sessions)| sessions).sum::<f64>().max(1.0);
        let mean = weighed.iter().map(|(unfairness, sessions)| unfairness * sessions).sum::<f64>() / all;
        Outcome {
            chain: chain.to_owned(),
            asked,
            servers: fleet.iter().map(|machine| machine.id.clone()).collect(),
            peak_load: looks.iter().map(|look| look.peak_load).fold(0.0, f64::max),
            peak_sessions: looks.iter().flat_map(|look| &look.sessions).copied().max().unwrap_or(0),
            unfairness: rounded(mean),
            overloaded: rounded(self.slow as f64 / self.seen.max(1) as f64),
            ..self.outcome
        }
    }
}

/// Standard deviation over mean; none if there is nothing.
fn unfairness(loads: &[f64]) -> Option<f64> {
    let count = loads.len() as f64;
    let mean = loads.iter().sum::<f64>() / count;
    let variance = loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / count;
    (mean > 1e-9).then(|| variance.sqrt() / mean)
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfairness_is_zero_when_all_have_the_same() {
        assert_eq!((unfairness(&[]), unfairness(&[0.0, 0.0])), (None, None));
        assert_eq!(unfairness(&[0.3, 0.3, 0.3]), Some(0.0));
        assert_eq!(unfairness(&[1.0, 0.0]), Some(1.0));
    }

    #[test]
    fn reasons_are_bounded() {
        let mut watch = Watch::default();
        (0..100).for_each(|number| watch.failed(number.to_string()));
        let outcome = watch.outcome("a", &[], 100);
        assert_eq!((outcome.failed, outcome.reasons.len(), outcome.reasons["other reasons"]), (100, 21, 80));
    }
}
