//! The heat map: a panel for each contender and table, RTT downwards, loss to the right, green is good.

use std::fmt::Write as _;

use super::cell::Line;
use super::outcome::Outcome;
use super::page::{TABLES, contenders};
use super::stage::RATE;
use crate::figure::show;

/// Pixels.
const CELL: (usize, usize) = (46, 22);
const LEFT: usize = 52;
const TOP: usize = 60;
const GAP: usize = 16;

/// Cells have a colour of their own, dark enough text on it in either scheme; what is outside follows the reader's.
const STYLE: &str = "text{font:11px system-ui,sans-serif;fill:#24292f;text-anchor:middle}.t{font-weight:600;text-anchor:start}\
.r{text-anchor:end}.c{fill:#111}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.c{fill:#111}}";

pub(super) fn svg(outcome: &Outcome) -> String {
    let (lines, all) = (outcome.lines(), contenders(outcome));
    let mut rtts: Vec<u32> = lines.iter().map(|line| line.rtt_ms).collect();
    rtts.dedup();
    let losses: Vec<f64> =
        lines.iter().filter(|line| line.rtt_ms == rtts[0]).map(|line| line.loss_percent).collect();
    let (panel, high) = (losses.len() * CELL.0 + GAP, TOP + rtts.len() * CELL.1);
    let (width, height) = (LEFT + all.len() * panel, TABLES.len() * high + GAP);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\"><title>Long and lossy lines</title><style>{STYLE}</style>\n"
    );
    for (row, (title, figure, digits)) in TABLES.iter().enumerate() {
        let y = row * high;
        label(&mut text, LEFT, y + 18, "t", title);
        for (at, rtt) in rtts.iter().enumerate() {
            label(&mut text, LEFT - 6, y + TOP + at * CELL.1 + 15, "r", &format!("{rtt} ms"));
        }
        for (column, one) in all.iter().enumerate() {
            let x = LEFT + column * panel;
            label(&mut text, x, y + 36, "t", one.label);
            for (across, loss) in losses.iter().enumerate() {
                label(&mut text, x + across * CELL.0 + CELL.0 / 2, y + 52, "", &format!("{loss} %"));
                for (down, &rtt_ms) in rtts.iter().enumerate() {
                    let line = Line { rtt_ms, loss_percent: *loss };
                    let value = outcome.median(one.name, line, *figure);
                    let good = value
                        .map_or(0.0, |value| if row == 0 { share(value) } else { promptness(value, line) });
                    let shown = value.map_or("–".to_owned(), |value| {
                        show(value, if value < 10.0 { *digits } else { 0 })
                    });
                    cell(&mut text, (x + across * CELL.0, y + TOP + down * CELL.1), good, &shown);
                }
            }
        }
    }
    text + "</svg>\n"
}

fn label(text: &mut String, x: usize, y: usize, class: &str, words: &str) {
    writeln!(text, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>").ok();
}

/// `good` from 0 (red) over yellow to 1 (green).
fn cell(text: &mut String, (x, y): (usize, usize), good: f64, shown: &str) {
    let (width, height, hue) = (CELL.0 - 2, CELL.1 - 2, (good * 130.0).round());
    writeln!(text, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"2\" fill=\"hsl({hue},65%,66%)\"/>").ok();
    label(text, x + width / 2, y + 14, "c", shown);
}

/// Of the line's rate.
fn share(mbit: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "100 million")]
    let rate = RATE.get() as f64 / 1e6;
    (mbit / rate).clamp(0.0, 1.0)
}

/// 1 at the round-trip time, 0 at sixteen of them; each doubling costs the same. Below 5 ms nobody sees a difference.
fn promptness(ms: f64, line: Line) -> f64 {
    (1.0 - (ms / f64::from(line.rtt_ms).max(5.0)).log2() / 4.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_is_green_and_sixteen_are_red() {
        let line = Line { rtt_ms: 50, loss_percent: 0.0 };
        assert!(
            promptness(51.0, line) > 0.99 && promptness(800.0, line) < 0.01 && promptness(1e5, line) < 0.01
        );
        assert!(share(94.0) > 0.93 && share(1000.0) <= 1.0);
    }
}
