//! How long nodes were without a tunnel.

use std::time::Duration;

use super::Outcome;
use crate::plan::{Action, Plan, Topology};

/// The single hosts that dial gateways.
pub(super) fn nodes(plan: &Plan, topology: &Topology) -> Vec<String> {
    let dials = |host: &_| {
        let host = topology.host(plan, *host);
        host.role.dials() && host.gateways.as_ref().is_none_or(|gateways| !gateways.is_empty())
    };
    topology.hosts().filter(dials).map(|host| topology.host_name(host).to_owned()).collect()
}

/// When a node had its first tunnel.
pub(super) fn first_tunnel(outcome: &Outcome, node: &str) -> Option<Duration> {
    outcome.tunnels.get(node)?.iter().find(|(_, count)| *count > 0).map(|(at, _)| *at)
}

/// The longest time that a node had no tunnel, counted from its loss or from the last fault (or its undoing) before it
/// was back, whichever is later: while a line is cut nobody can be back. A node that is dead at the end is not waited for.
pub(super) fn longest_absence(plan: &Plan, topology: &Topology, outcome: &Outcome, node: &str) -> Duration {
    let steps: Vec<Duration> = plan.steps().iter().map(|step| step.at).collect();
    let counts = outcome.tunnels.get(node).map_or(&[][..], Vec::as_slice);
    let first = counts.iter().position(|(_, count)| *count > 0).unwrap_or(counts.len());
    let mut longest = Duration::ZERO;
    for (i, (lost, _)) in counts.iter().enumerate().skip(first).filter(|(_, (_, count))| *count == 0) {
        let back = counts[i..].iter().find(|(_, count)| *count > 0).map(|(at, _)| *at);
        if back.is_none() && is_dead(plan, topology, node) {
            continue;
        }
        let end = back.unwrap_or(outcome.length);
        let fault = steps.iter().rev().find(|at| **at <= end).copied().unwrap_or_default();
        longest = longest.max(end.saturating_sub(fault.max(*lost)));
    }
    longest
}

/// Whether the plan leaves a node killed.
fn is_dead(plan: &Plan, topology: &Topology, node: &str) -> bool {
    let mut dead = false;
    for step in plan.steps() {
        let (name, dies) = match &step.action {
            Action::Kill(name) => (name, true),
            Action::Start(name) | Action::Restart(name) => (name, false),
            _ => continue,
        };
        if topology.hosts_named(name).iter().any(|host| topology.host_name(*host) == node) {
            dead = dies;
        }
    }
    dead
}
