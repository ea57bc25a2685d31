//! How long it took until almost all were back, how fast they came, and what each takes of memory.

use std::time::Duration;

use super::Report;
use super::escape::escape;
use super::plot::put;
use super::scale::{Unit, text};
use crate::outcome::{Cost, Recovery, recovery};
use crate::plan::Topology;

/// Nothing when nobody was ever missed and no cost was measured.
pub(super) fn table(out: &mut String, report: &Report<'_>) {
    let rows = rows(report);
    if rows.is_empty() {
        return;
    }
    put(out, format_args!("<h2>Recovery and memory</h2>\n<table>"));
    for (name, value) in rows {
        put(out, format_args!("<tr><td>{}</td><td class=\"n\">{}</td></tr>", escape(&name), escape(&value)));
    }
    out.push_str("</table>\n");
}

fn rows(report: &Report<'_>) -> Vec<(String, String)> {
    let (plan, outcome) = (report.plan, report.outcome);
    let mut rows = Vec::new();
    let nodes = recovery::of_nodes(plan, outcome);
    rows.extend(nodes.iter().map(|gone| back("99 of 100 nodes with all their tunnels", gone)));
    for work in &plan.work {
        let name = format!("99 of 100 streams of {}", &*work.name);
        let streams = recovery::of_streams(plan, outcome, &work.name);
        rows.extend(streams.iter().map(|gone| back(&name, gone)));
    }
    if let Some(most) = outcome.dials.iter().max().filter(|_| !rows.is_empty()) {
        rows.push(("most tunnels dialled in one second".into(), most.to_string()));
    }
    if let Some(cost) = report.cost {
        memory(&mut rows, report, cost);
    }
    rows
}

fn back(of: &str, gone: &Recovery) -> (String, String) {
    let from = text(Unit::Seconds, gone.from.as_secs_f64());
    let took = match gone.back {
        Some(_) => format!("after {}", text(Unit::Seconds, gone.took.as_secs_f64())),
        None => "not before the end".into(),
    };
    (format!("{of}, fewer from {from} on, again"), took)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
fn memory(rows: &mut Vec<(String, String)>, report: &Report<'_>, cost: &Cost) {
    let (plan, topology) = (report.plan, Topology::new(report.plan));
    let nodes = topology.hosts().filter(|host| topology.host(plan, *host).role.dials()).count() as u64;
    let streams =
        plan.work.iter().map(|work| topology.hosts_named(&work.from).len() as u64 * u64::from(work.streams));
    let work = plan.work.iter().map(|work| work.start).min().unwrap_or(plan.length);
    let fault = plan.steps().first().map_or(plan.length, |step| step.at);
    let each =
        cost.each(nodes, work, streams.sum(), fault.max(work).saturating_sub(Duration::from_millis(1)));
    let bytes = |value: u64| text(Unit::Bytes, value as f64);
    rows.push(("most memory of the whole simulation".into(), bytes(cost.peak())));
    rows.extend(each.node.map(|each| ("memory for each node, at all ends".into(), bytes(each))));
    rows.extend(each.stream.map(|each| ("memory for each stream, at all ends".into(), bytes(each))));
}
