//! Whether a run kept what its plan expects.

use std::time::Duration;

use serde::Serialize;

use super::absence::{first_tunnel, longest_absence, nodes};
use super::recovery::{of_nodes, of_streams};
use super::{Outcome, Recovery, WorkOutcome};
use crate::link::Rate;
use crate::plan::{Expect, Plan, Topology, Work};

/// One expectation, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// `download: goodput`.
    pub what: String,
    /// `at least 70 Mbit/s`.
    pub wanted: String,
    pub measured: String,
    pub met: bool,
}

/// A verdict on every expectation of the plan, in its order, and one that no invariant was violated.
pub fn judge(plan: &Plan, outcome: &Outcome) -> Vec<Verdict> {
    let works = plan.expects.iter().flat_map(|expect| {
        let work = plan.work.iter().find(|work| work.name == expect.of).expect("a plan is checked");
        let seen = outcome.work(&expect.of).cloned().unwrap_or_else(|| WorkOutcome::new(work));
        of_work(plan, outcome, expect, work, &seen)
    });
    works
        .chain(of_tunnels(plan, outcome))
        .chain(of_control(plan, outcome))
        .chain([no_violation(outcome)])
        .collect()
}

fn of_work(plan: &Plan, outcome: &Outcome, expect: &Expect, work: &Work, seen: &WorkOutcome) -> Vec<Verdict> {
    let verdict = |what: &str, wanted, measured, met| Verdict {
        what: format!("{}: {what}", work.name),
        wanted,
        measured,
        met,
    };
    let mut all = Vec::new();
    if let Some(least) = expect.goodput_at_least {
        let (from, to) =
            (expect.after.unwrap_or(work.start), work.stop.unwrap_or(plan.length).min(plan.length));
        let got = seen.goodput(from, to);
        all.push(verdict("goodput", format!("at least {least}"), rate(got), got >= float(least.get())));
    }
    if let Some(most) = expect.p99_at_most {
        let p99 = seen.latencies.quantile(0.99);
        let measured = p99.map_or_else(|| "nothing was measured".into(), time);
        all.push(verdict(
            "latency, 99 of 100",
            format!("at most {}", time(most)),
            measured,
            p99.is_some_and(|p99| p99 <= most),
        ));
    }
    if let Some(most) = expect.lost_at_most {
        // A work that opened nothing kept nothing alive.
        let measured = format!("{} of {}", seen.lost, seen.opened);
        all.push(verdict(
            "streams lost",
            format!("at most {most}"),
            measured,
            seen.lost <= most && seen.opened > 0,
        ));
    }
    if let Some(least) = expect.finished_at_least {
        all.push(verdict(
            "streams finished",
            format!("at least {least}"),
            seen.finished.to_string(),
            seen.finished >= least,
        ));
    }
    if let Some(within) = expect.back_within {
        let (measured, met) = slowest(&of_streams(plan, outcome, &work.name), within);
        all.push(verdict("99 of 100 streams back", within_text(within), measured, met));
    }
    all
}

fn of_tunnels(plan: &Plan, outcome: &Outcome) -> Vec<Verdict> {
    let verdict = |what: &str, wanted, measured, met| Verdict { what: what.into(), wanted, measured, met };
    let topology = Topology::new(plan);
    let nodes = nodes(plan, &topology);
    let mut all = Vec::new();
    if let Some(within) = plan.tunnels.connected_within {
        // One that never had a tunnel makes the whole `None`.
        let firsts: Option<Vec<Duration>> = nodes.iter().map(|node| first_tunnel(outcome, node)).collect();
        let slowest = firsts.map(|firsts| firsts.into_iter().max().unwrap_or_default());
        let measured = slowest.map_or_else(|| "some never".into(), time);
        let met = slowest.is_some_and(|slowest| slowest <= within);
        all.push(verdict("every node connected", within_text(within), measured, met));
    }
    if let Some(within) = plan.tunnels.back_within {
        let absence = |node: &String| longest_absence(plan, &topology, outcome, node);
        let longest = nodes.iter().map(absence).max().unwrap_or_default();
        let met = longest <= within;
        all.push(verdict("every node back after a fault", within_text(within), time(longest), met));
    }
    if let Some(within) = plan.tunnels.whole_within {
        let (measured, met) = slowest(&of_nodes(plan, outcome), within);
        all.push(verdict("99 of 100 nodes whole after a fault", within_text(within), measured, met));
    }
    if let Some(most) = plan.tunnels.dials_per_second_at_most {
        let peak = outcome.dials.iter().copied().max().unwrap_or(0);
        let (wanted, measured) = (format!("at most {most}"), peak.to_string());
        all.push(verdict("tunnels dialled in a second", wanted, measured, peak <= most));
    }
    all
}

fn of_control(plan: &Plan, outcome: &Outcome) -> Vec<Verdict> {
    let (Some(bounds), Some(seen)) = (&plan.control, &outcome.control) else { return Vec::new() };
    let verdict = |what: &str, wanted, measured, met| Verdict { what: what.into(), wanted, measured, met };
    let mut all = Vec::new();
    if let Some(within) = bounds.lost_within {
        let longest = seen.unseen(plan.length).map(|(_, unseen)| unseen).max().unwrap_or_default();
        all.push(verdict("a lost server shown", within_text(within), time(longest), longest <= within));
    }
    if let Some(within) = bounds.back_within {
        let longest = seen.returns(plan.length).map(|(took, _)| took).max().unwrap_or_default();
        let back = seen.returns(plan.length).all(|(_, back)| back);
        let measured = if back { time(longest) } else { format!("not after {}", time(longest)) };
        let met = back && longest <= within;
        all.push(verdict("all servers shown again after a fault", within_text(within), measured, met));
    }
    if let Some(most) = bounds.updates_per_second_at_most {
        let peak = seen.per_second().max().unwrap_or(0);
        all.push(verdict("updates in a second", format!("at most {most}"), peak.to_string(), peak <= most));
    }
    all
}

/// The slowest of several recoveries, and whether it was in time; one that is not over takes until the end.
fn slowest(recoveries: &[Recovery], within: Duration) -> (String, bool) {
    let longest = recoveries.iter().map(|recovery| recovery.took).max().unwrap_or_default();
    let over = recoveries.iter().all(|recovery| recovery.back.is_some());
    let measured = if over { time(longest) } else { format!("not after {}", time(longest)) };
    (measured, over && longest <= within)
}

fn within_text(within: Duration) -> String {
    format!("within {}", time(within))
}

fn no_violation(outcome: &Outcome) -> Verdict {
    let count = outcome.violations.len();
    let (wanted, measured) = ("none".into(), count.to_string());
    Verdict { what: "invariants violated".into(), wanted, measured, met: count == 0 }
}

/// `1.234 s`, `12.3 ms`.
fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 { format!("{seconds:.2} s") } else { format!("{:.1} ms", seconds * 1e3) }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate that was measured; it saturates"
)]
fn rate(bits: f64) -> String {
    if bits < 1.0 { "nothing".into() } else { Rate::bits_per_second(bits as u64).to_string() }
}

#[expect(clippy::cast_precision_loss, reason = "at most 10^15")]
fn float(value: u64) -> f64 {
    value as f64
}
