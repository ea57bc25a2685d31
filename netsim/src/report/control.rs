//! What the control plane did.

use super::Report;
use super::escape::escape;
use super::plot::put;
use super::scale::{Unit, text};

/// Absences that are written out, the longest to be seen first.
const MOST: usize = 20;

/// Nothing for a plan without a control plane.
pub(super) fn table(out: &mut String, report: &Report<'_>) {
    let rows = rows(report);
    if rows.is_empty() {
        return;
    }
    put(out, format_args!("<h2>Control plane</h2>\n<table>"));
    for (name, value) in rows {
        put(out, format_args!("<tr><td>{}</td><td class=\"n\">{}</td></tr>", escape(&name), escape(&value)));
    }
    out.push_str("</table>\n");
}

#[expect(clippy::cast_precision_loss, reason = "messages of one simulation")]
fn rows(report: &Report<'_>) -> Vec<(String, String)> {
    let Some(seen) = &report.outcome.control else { return Vec::new() };
    let seconds = |time: std::time::Duration| text(Unit::Seconds, time.as_secs_f64());
    let (count, sum) = (seen.per_second().count(), seen.per_second().sum::<usize>());
    let mean = sum as f64 / count.max(1) as f64;
    let most = seen.per_second().max().unwrap_or(0);
    let mut rows =
        vec![("updates at the broker in a second, mean and most".to_owned(), format!("{mean:.1}, {most}"))];
    let end = report.outcome.length;
    let mut absences: Vec<_> = seen.unseen(end).collect();
    absences.sort_by_key(|(_, unseen)| std::cmp::Reverse(*unseen));
    rows.extend(absences.into_iter().take(MOST).map(|(absence, unseen)| {
        let shown = match (absence.lost, absence.until) {
            (Some(_), _) => format!("after {}", seconds(unseen)),
            (None, Some(_)) => format!("not: it was back after {}", seconds(unseen)),
            (None, None) => "not before the end".into(),
        };
        (format!("{}, gone from {} on, shown as lost", absence.server, seconds(absence.from)), shown)
    }));
    rows.extend(seen.recoveries.iter().zip(seen.returns(end)).map(|((from, _), (took, back))| {
        let took = if back { format!("after {}", seconds(took)) } else { "not before the end".into() };
        (format!("broker, store or managers back at {}, all servers shown alive", seconds(*from)), took)
    }));
    rows
}
