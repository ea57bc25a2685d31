//! A run in a few lines, for a terminal.

use super::Report;

/// Each expectation with what was seen, aligned; the last line says whether all hold.
pub fn summary(report: &Report<'_>) -> String {
    let verdicts = report.verdicts();
    let width = |text: fn(&crate::outcome::Verdict) -> &str| {
        verdicts.iter().map(|verdict| text(verdict).chars().count()).max().unwrap_or(0)
    };
    let (what, wanted) = (width(|verdict| &verdict.what), width(|verdict| &verdict.wanted));
    let mut out = String::new();
    for verdict in verdicts {
        let word = if verdict.met { "holds" } else { "FAILS" };
        out.push_str(&format!(
            "  {word}  {:what$}  {:wanted$}  {}\n",
            verdict.what, verdict.wanted, verdict.measured
        ));
    }
    for violation in report.outcome.violations.iter().take(10) {
        let at = violation.at.as_secs_f64();
        out.push_str(&format!("  {at:.3} s: {}: {}\n", violation.invariant, violation.detail));
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.met).count();
    match failed {
        0 => out.push_str("everything that the plan expects holds\n"),
        _ => out.push_str(&format!("{failed} of {} do not hold; again: {}\n", verdicts.len(), report.replay)),
    }
    out
}
