//! Bar charts as SVG, written by hand: one panel per figure, one bar per system, a whisker from minimum to maximum.

use std::fmt::Write as _;

use crate::figure::{self, Figure, show};
use crate::results::{Results, Spread};
use crate::systems::{self, Kind};

/// Pixels.
const LABEL_WIDTH: f64 = 150.0;
const BAR_WIDTH: f64 = 300.0;
const VALUE_WIDTH: f64 = 70.0;
const BAR_HEIGHT: f64 = 14.0;
const ROW: f64 = 20.0;
const TITLE: f64 = 34.0;
const GAP: f64 = 24.0;
const COLUMNS: usize = 2;

/// Colours hold on white and on black; text follows the reader's scheme.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:13px}.v{fill:#57606a}\
.ours{fill:#0a7d5a}.plain{fill:#9aa5b1}.encrypted{fill:#5b7fb5}.direct{fill:#d0d7de}.w{stroke:#24292f;stroke-width:1}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.v{fill:#9aa5b1}.ours{fill:#2fbf8f}.plain{fill:#6e7681}\
.encrypted{fill:#6f95cf}.direct{fill:#3d444d}.w{stroke:#e6edf3}}";

/// One chart file: its panels, and which systems it shows.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    pub(crate) place: &'static str,
    pub(crate) figures: &'static [&'static str],
    pub(crate) wanted: fn(Kind) -> bool,
}

/// The chart, or nothing when the results hold no number for it.
pub(crate) fn svg(chart: &Chart, results: &Results) -> Option<String> {
    let figures = chart.figures.iter().filter_map(|name| figure::by_name(name));
    let panels: Vec<(&Figure, Vec<Bar>)> = figures
        .map(|figure| (figure, bars(chart, figure, results)))
        .filter(|(_, bars)| !bars.is_empty())
        .collect();
    let rows = panels.iter().map(|(_, bars)| bars.len()).max()?;
    #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
    let (panel_height, lines) = (TITLE + ROW * rows as f64 + GAP, panels.len().div_ceil(COLUMNS) as f64);
    let panel_width = LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH + GAP;
    #[expect(clippy::cast_precision_loss, reason = "two columns")]
    let (width, height) = (panel_width * COLUMNS.min(panels.len()) as f64, panel_height * lines);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\"><title>{}</title><style>{STYLE}</style>\n",
        chart.title
    );
    for (at, (figure, bars)) in panels.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful of panels")]
        let (x, y) = (panel_width * (at % COLUMNS) as f64, panel_height * (at / COLUMNS) as f64);
        text += &format!("<g transform=\"translate({x},{y})\">\n{}</g>\n", panel(figure, bars));
    }
    Some(text + "</svg>\n")
}

struct Bar {
    label: &'static str,
    class: &'static str,
    spread: Spread,
}

fn bars(chart: &Chart, figure: &Figure, results: &Results) -> Vec<Bar> {
    let shown = systems::all().into_iter().filter(|system| (chart.wanted)(system.kind()));
    shown
        .filter_map(|system| {
            let spread = results.spread(chart.place, system.name(), figure.name)?;
            Some(Bar { label: system.label(), class: class(system.kind()), spread })
        })
        .collect()
}

const fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Direct => "direct",
        Kind::OurTunnel | Kind::OurRelay => "ours",
        Kind::PlainPeer | Kind::RelayPeer => "plain",
        Kind::EncryptedPeer => "encrypted",
    }
}

fn panel(figure: &Figure, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.spread.max).fold(f64::MIN_POSITIVE, f64::max);
    let scale = |value: f64| (value.max(0.0) / most * BAR_WIDTH * 10.0).round() / 10.0;
    let mut text = format!("<text class=\"t\" x=\"{LABEL_WIDTH}\" y=\"20\">{}</text>\n", figure.label);
    let mut y = TITLE;
    for Bar { label, class, spread } in bars {
        let (middle, baseline) = (y + BAR_HEIGHT / 2.0, y + BAR_HEIGHT - 3.0);
        let (low, high) = (LABEL_WIDTH + scale(spread.min), LABEL_WIDTH + scale(spread.max));
        let (bar, right) = (scale(spread.median), LABEL_WIDTH - 8.0);
        let (value, after) = (show(spread.median, figure.digits), high.max(LABEL_WIDTH + bar) + 6.0);
        writeln!(text, "<text x=\"{right}\" y=\"{baseline}\" text-anchor=\"end\">{label}</text>").ok();
        writeln!(text, "<rect class=\"{class}\" x=\"{LABEL_WIDTH}\" y=\"{y}\" width=\"{bar}\" height=\"{BAR_HEIGHT}\" rx=\"2\"/>").ok();
        writeln!(text, "<line class=\"w\" x1=\"{low}\" x2=\"{high}\" y1=\"{middle}\" y2=\"{middle}\"/>").ok();
        writeln!(text, "<text class=\"v\" x=\"{after}\" y=\"{baseline}\">{value}</text>").ok();
        y += ROW;
    }
    text
}
