//! How long it took until almost all were back.

use std::time::Duration;

use serde::Serialize;

use super::{Outcome, Quantity};
use crate::plan::{Plan, Topology};

/// How many make it "back": the last of ten thousand may have drawn the longest wait.
const ALMOST_ALL: f64 = 0.99;

/// A time in which fewer than 99 of 100 were there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// When they began to be fewer.
    pub from: Duration,
    /// When 99 of 100 were there again; `None`: not before the end.
    pub back: Option<Duration>,
    /// Until then, from the last fault (or its undoing) before, or from `from` if that is later.
    pub took: Duration,
    /// The fewest at a time.
    pub fewest: f64,
}

/// Of nodes: those with a tunnel to each of their gateways.
pub fn of_nodes(plan: &Plan, outcome: &Outcome) -> Vec<Recovery> {
    let all = super::absence::nodes(plan, &Topology::new(plan)).len();
    of(plan, outcome, Quantity::Whole, "nodes", all)
}

/// Of a work's streams: those that work, once they began to.
pub fn of_streams(plan: &Plan, outcome: &Outcome, work: &str) -> Vec<Recovery> {
    let Some(work) = plan.work.iter().find(|known| &*known.name == work) else { return Vec::new() };
    let clients = Topology::new(plan).hosts_named(&work.from).len();
    of(plan, outcome, Quantity::Working, &work.name, clients * work.streams as usize)
}

#[expect(clippy::cast_precision_loss, reason = "at most 10^9 streams")]
fn of(plan: &Plan, outcome: &Outcome, quantity: Quantity, of: &str, all: usize) -> Vec<Recovery> {
    let Some(series) = outcome.series.of(quantity).find(|series| series.of == of) else { return Vec::new() };
    let enough = all as f64 * ALMOST_ALL;
    let steps: Vec<Duration> = plan.steps().iter().map(|step| step.at).collect();
    let first = series.points.iter().position(|(_, count)| *count >= enough).unwrap_or(series.points.len());
    if first == series.points.len() {
        let fewest = series.points.last().map_or(0.0, |(_, count)| *count);
        return vec![Recovery { from: Duration::ZERO, back: None, took: outcome.length, fewest }];
    }
    series.points[first..]
        .chunk_by(|(_, one), (_, next)| (*one < enough) == (*next < enough))
        .filter(|chunk| chunk[0].1 < enough)
        .map(|low| {
            let (from, last) = (low[0].0, low[low.len() - 1].0);
            let back = series.points.iter().map(|(at, _)| *at).find(|at| *at > last);
            let end = back.unwrap_or(outcome.length);
            let fault = steps.iter().rev().find(|at| **at <= end).copied().unwrap_or_default();
            let fewest = low.iter().map(|(_, count)| *count).fold(f64::INFINITY, f64::min);
            Recovery { from, back, took: end.saturating_sub(fault.max(from)), fewest }
        })
        .collect()
}
