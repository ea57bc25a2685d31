//! The report's tables.

use std::time::Duration;

use super::Report;
use super::escape::escape;
use super::plot::put;
use super::scale::{Unit, text};
use crate::link::{Loss, Model};
use crate::outcome::WorkOutcome;

/// Violations that are written out; a broken run may have thousands.
const MOST_VIOLATIONS: usize = 50;

pub(super) fn verdicts(out: &mut String, report: &Report<'_>) {
    let head = if report.holds() { "Everything holds" } else { "Not everything holds" };
    put(
        out,
        format_args!("<h2>{head}</h2>\n<table><tr><th></th><th>Expected</th><th></th><th>Seen</th></tr>"),
    );
    for verdict in report.verdicts() {
        let (class, word) = if verdict.met { ("good", "holds") } else { ("bad", "fails") };
        put(
            out,
            format_args!(
                "<tr><td class=\"{class}\">{word}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&verdict.what),
                escape(&verdict.wanted),
                escape(&verdict.measured)
            ),
        );
    }
    out.push_str("</table>\n");
    for violation in report.outcome.violations.iter().take(MOST_VIOLATIONS) {
        let at = violation.at.as_secs_f64();
        let (invariant, detail) = (escape(&violation.invariant), escape(&violation.detail));
        put(out, format_args!("<p class=\"bad\">{at:.3} s: {invariant}: {detail}</p>"));
    }
}

pub(super) fn work(out: &mut String, report: &Report<'_>) {
    put(out, format_args!("<h2>Work</h2>\n<table><tr><th></th>"));
    for head in ["opened", "finished", "lost", "bytes", "goodput", "p50", "p99", "longest"] {
        put(out, format_args!("<th class=\"n\">{head}</th>"));
    }
    out.push_str("</tr>\n");
    for (work, seen) in report.plan.work.iter().zip(&report.outcome.work) {
        let end = work.stop.unwrap_or(report.outcome.length).min(report.outcome.length);
        row(out, seen, work.start, end);
    }
    out.push_str("</table>\n");
}

fn row(out: &mut String, seen: &WorkOutcome, start: Duration, end: Duration) {
    let latency = |quantile: f64| {
        let latency = seen.latencies.quantile(quantile);
        latency.map_or_else(String::new, |latency| text(Unit::Seconds, latency.as_secs_f64()))
    };
    let cells = [
        seen.opened.to_string(),
        seen.finished.to_string(),
        seen.lost.to_string(),
        text(Unit::Bytes, seen.bytes_at(end)),
        text(Unit::BitsPerSecond, seen.goodput(start, end)),
        latency(0.5),
        latency(0.99),
        latency(1.0),
    ];
    put(out, format_args!("<tr><td>{}</td>", escape(&seen.name)));
    for cell in cells {
        put(out, format_args!("<td class=\"n\">{cell}</td>"));
    }
    out.push_str("</tr>\n");
}

pub(super) fn packets(out: &mut String, report: &Report<'_>) {
    let packets = &report.outcome.packets;
    put(out, format_args!("<h2>Packets</h2>\n<table>"));
    let mut rows = vec![("sent".to_owned(), packets.sent), ("arrived".to_owned(), packets.arrived)];
    rows.extend(packets.dropped.iter().map(|(reason, count)| (format!("dropped: {reason}"), *count)));
    for (name, count) in rows {
        put(out, format_args!("<tr><td>{}</td><td class=\"n\">{count}</td></tr>", escape(&name)));
    }
    out.push_str("</table>\n");
}

pub(super) fn paths(out: &mut String, report: &Report<'_>) {
    put(out, format_args!("<h2>Paths</h2>\n<table><tr><th></th><th>up</th><th>down</th><th></th></tr>"));
    for (name, path) in &report.plan.path {
        let mut more = Vec::new();
        more.extend(path.shared.then_some("shared"));
        more.extend(path.nat.is_some().then_some("NAT"));
        more.extend(path.firewall.is_some().then_some("firewall"));
        let (up, down) = (model(&path.up), model(&path.down));
        put(
            out,
            format_args!(
                "<tr><td>{}</td><td>{up}</td><td>{down}</td><td>{}</td></tr>",
                escape(name),
                more.join(", ")
            ),
        );
    }
    out.push_str("</table>\n");
}

/// A link in a few words: `100 Mbit/s, 20 ms, 2 % lost`.
fn model(model: &Model) -> String {
    let mut words = Vec::new();
    words.extend(model.rate.map(|rate| rate.to_string()));
    words.push(text(Unit::Seconds, model.delay.as_secs_f64()));
    if !model.jitter.is_zero() {
        words.push(format!("and up to {} more", text(Unit::Seconds, model.jitter.as_secs_f64())));
    }
    match model.loss {
        Loss::Random(share) if share.get() > 0.0 => words.push(format!("{share} lost")),
        Loss::Random(_) => {}
        Loss::Burst(burst) => words.push(format!("{} lost in bursts of {}", burst.share(), burst.length())),
    }
    if model.mtu.bytes != 1500 {
        words.push(format!("MTU {}", model.mtu.bytes));
    }
    words.join(", ")
}
