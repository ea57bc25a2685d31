//! Events over time: a lane for the plan's faults, with their names, and one for each kind of event.

use super::escape::escape;
use super::plot::{Across, COLOURS, LEFT, RIGHT, WIDTH, put};
use crate::outcome::{Event, Outcome, What};
use crate::plan::Span;

const LANE: f64 = 22.0;
const TOP: f64 = 6.0;
/// Marks in a lane; more are not told apart, and a storm has 10,000.
const MOST_MARKS: usize = 2_000;
/// A letter's width, about, of 11 pixels high text.
const LETTER: f64 = 6.0;

const LANES: [(What, &str, &str); 4] = [
    (What::TunnelUp, "tunnel up", COLOURS[2]),
    (What::TunnelDown, "tunnel lost", COLOURS[1]),
    (What::StreamLost, "stream lost", COLOURS[5]),
    (What::Note, "else", COLOURS[0]),
];

/// The events' SVG; empty when nothing happened.
pub(super) fn svg(outcome: &Outcome, across: Across, faults: &[Span]) -> String {
    let rows = rows(across, faults);
    let fault_lanes = rows.iter().map(|row| row + 1).max().unwrap_or(0);
    let lanes: Vec<_> =
        LANES.iter().filter(|(what, ..)| outcome.events.iter().any(|event| event.what == *what)).collect();
    if fault_lanes + lanes.len() == 0 {
        return String::new();
    }
    let bottom = TOP + LANE * float(fault_lanes + lanes.len());
    let mut out = String::new();
    put(
        &mut out,
        format_args!(r#"<svg viewBox="0 0 {WIDTH} {}" role="img" aria-label="Events">"#, bottom + 24.0),
    );
    across.axis(&mut out, TOP, bottom);
    if fault_lanes > 0 {
        lane_name(&mut out, "faults", TOP);
    }
    for (fault, row) in faults.iter().zip(&rows) {
        bar(&mut out, across, fault, TOP + LANE * float(*row));
    }
    for (i, (what, name, colour)) in lanes.iter().enumerate() {
        let top = TOP + LANE * float(fault_lanes + i);
        lane_name(&mut out, name, top);
        for event in outcome.events.iter().filter(|event| event.what == *what).take(MOST_MARKS) {
            mark(&mut out, across, event, colour, top);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// The lane of each fault, so that bars and their names do not lie on one another.
fn rows(across: Across, faults: &[Span]) -> Vec<usize> {
    let mut ends: Vec<f64> = Vec::new();
    let place = |fault: &Span| {
        let (from, to) = extent(across, fault);
        let row = ends.iter().position(|end| *end <= from).unwrap_or(ends.len());
        if row == ends.len() {
            ends.push(to);
        } else {
            ends[row] = to;
        }
        row
    };
    faults.iter().map(place).collect()
}

/// The pixels that a fault and its name take.
fn extent(across: Across, fault: &Span) -> (f64, f64) {
    let (from, to) = (across.x(fault.from.as_secs_f64()), across.x(fault.to.as_secs_f64()));
    let text = LETTER * float(fault.text.chars().count()) + 12.0;
    if is_late(from, text) { (from - text, to.max(from + 4.0)) } else { (from, to.max(from + text)) }
}

/// Whether a name at `from` would leave the plot, so that it stands before.
fn is_late(from: f64, text: f64) -> bool {
    from + text > WIDTH - RIGHT
}

fn bar(out: &mut String, across: Across, fault: &Span, top: f64) {
    let (from, to) = (across.x(fault.from.as_secs_f64()), across.x(fault.to.as_secs_f64()));
    let (width, height, text) = ((to - from).max(3.0), LANE - 4.0, escape(&fault.text));
    let late = is_late(from, LETTER * float(fault.text.chars().count()) + 12.0);
    let (x, anchor) = if late { (from - 5.0, "end") } else { (from + 6.0, "start") };
    put(
        out,
        format_args!(
            r#"<rect class="bar" x="{from:.1}" y="{:.1}" width="{width:.1}" height="{height}"/>"#,
            top + 2.0
        ),
    );
    put(
        out,
        format_args!(
            r#"<text class="on" x="{x:.1}" y="{:.1}" text-anchor="{anchor}">{text}</text>"#,
            top + 15.0
        ),
    );
}

fn lane_name(out: &mut String, name: &str, top: f64) {
    put(
        out,
        format_args!(r#"<text x="{}" y="{:.1}" text-anchor="end">{name}</text>"#, LEFT - 8.0, top + 15.0),
    );
}

fn mark(out: &mut String, across: Across, event: &Event, colour: &str, top: f64) {
    let (x, y, at) = (across.x(event.at.as_secs_f64()), top + LANE / 2.0, event.at.as_secs_f64());
    let text = escape(format!("{at:.3} s: {} {}", event.host, event.text).trim());
    put(
        out,
        format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{colour}"><title>{text}</title></circle>"#
        ),
    );
}

#[expect(clippy::cast_precision_loss, reason = "a few lanes or letters")]
fn float(count: usize) -> f64 {
    count as f64
}
