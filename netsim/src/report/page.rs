//! The report as one HTML file.

use super::escape::escape;
use super::lines::{Figure, figures};
use super::plot::{self, Across, COLOURS, put};
use super::{Report, control, lanes, recovery, tables};

/// Faults that are drawn; more are not told apart.
const MOST_FAULTS: usize = 500;

const CSS: &str = include_str!("page.css");

pub(super) fn html(report: &Report<'_>) -> String {
    let (plan, outcome) = (report.plan, report.outcome);
    let mut out = String::new();
    let title = escape(&plan.title);
    put(&mut out, format_args!("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"));
    put(
        &mut out,
        format_args!("<meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>"),
    );
    put(&mut out, format_args!("<style>{CSS}</style></head><body>"));
    put(&mut out, format_args!("<h1>{title}</h1>"));
    put(&mut out, format_args!("<p>{}</p>", escape(plan.about.trim())));
    let (length, seed, trace) = (outcome.length, outcome.seed, outcome.trace);
    put(
        &mut out,
        format_args!(
            "<p class=\"dim\">{length:?} simulated, seed {seed}, trace {trace:016x}. Again: <code>{}</code></p>",
            escape(&report.replay)
        ),
    );
    tables::verdicts(&mut out, report);
    recovery::table(&mut out, report);
    control::table(&mut out, report);
    let (across, mut faults) = (Across::new(outcome.length.as_secs_f64()), plan.spans());
    faults.truncate(MOST_FAULTS);
    let events = lanes::svg(outcome, across, &faults);
    if !events.is_empty() {
        put(&mut out, format_args!("<h2>Events</h2>\n{events}"));
    }
    for figure in figures(outcome) {
        put(&mut out, format_args!("<h2>{}</h2>", figure.title));
        put(&mut out, format_args!("<p class=\"dim\">{}.</p>", figure.about));
        legend(&mut out, &figure);
        out.push_str(&plot::svg(&figure, across, &faults));
    }
    tables::work(&mut out, report);
    tables::packets(&mut out, report);
    tables::paths(&mut out, report);
    out.push_str("</body></html>\n");
    out
}

fn legend(out: &mut String, figure: &Figure) {
    out.push_str("<div class=\"legend\">");
    for (line, colour) in figure.lines.iter().zip(COLOURS) {
        put(out, format_args!("<span><i style=\"background:{colour}\"></i>{}</span>", escape(&line.label)));
    }
    out.push_str("</div>\n");
}
