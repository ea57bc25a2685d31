//! A figure as SVG. Colours of ink come from the page (`currentColor`, `--grid`), so that it reads on light and dark.

use std::fmt::Write;

use super::escape::escape;
use super::lines::{Figure, Line};
use super::scale::{self, Axis, Unit};
use crate::plan::Span;

/// Pixels of all plots; the page scales them to its width.
pub(super) const WIDTH: f64 = 960.0;
pub(super) const LEFT: f64 = 76.0;
pub(super) const RIGHT: f64 = 24.0;
const TOP: f64 = 14.0;
const HEIGHT: f64 = 220.0;
const BOTTOM: f64 = 30.0;

/// Told apart by people who do not see all colours (Paul Tol's "bright"), on light and dark.
pub(super) const COLOURS: [&str; 6] = ["#4477aa", "#ee6677", "#228833", "#ccaa22", "#3fa7c4", "#aa3377"];

/// From seconds to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Across {
    seconds: f64,
}

impl Across {
    pub(super) fn new(seconds: f64) -> Self {
        Self { seconds: seconds.max(1e-3) }
    }

    pub(super) fn x(self, at: f64) -> f64 {
        LEFT + (at / self.seconds).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    /// Ticks with their labels, and lines up to `top`.
    pub(super) fn axis(self, out: &mut String, top: f64, bottom: f64) {
        let axis = Axis::new(Unit::Seconds, self.seconds, 10);
        for (at, text) in axis.ticks().filter(|(at, _)| *at <= self.seconds * 1.000_001) {
            let (x, label) = (self.x(at), bottom + 16.0);
            put(out, format_args!(r#"<path class="grid" d="M{x:.1} {top:.1}V{bottom:.1}"/>"#));
            put(out, format_args!(r#"<text x="{x:.1}" y="{label:.1}" text-anchor="middle">{text}</text>"#));
        }
        let (x, y) = (WIDTH - 2.0, bottom + 16.0);
        put(out, format_args!(r#"<text x="{x}" y="{y}" text-anchor="end">{}</text>"#, axis.unit));
    }
}

/// `write!` to a string cannot fail.
pub(super) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes everything");
    out.push('\n');
}

/// One figure, with the faults shaded behind its lines.
pub(super) fn svg(figure: &Figure, across: Across, faults: &[Span]) -> String {
    let bottom = HEIGHT - BOTTOM;
    let axis = Axis::new(figure.unit, figure.largest(), 4);
    let y = |value: f64| bottom - (value / axis.top).clamp(0.0, 1.0) * (bottom - TOP);
    let mut out = String::new();
    let label = escape(figure.about);
    put(&mut out, format_args!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">"#));
    shade(&mut out, across, faults, TOP, bottom);
    across.axis(&mut out, TOP, bottom);
    for (value, text) in axis.ticks() {
        let (y, right, x) = (y(value), WIDTH - RIGHT, LEFT - 8.0);
        put(&mut out, format_args!(r#"<path class="grid" d="M{LEFT} {y:.1}H{right}"/>"#));
        let unit = if value == 0.0 { "" } else { axis.unit };
        put(
            &mut out,
            format_args!(r#"<text x="{x}" y="{:.1}" text-anchor="end">{text} {unit}</text>"#, y + 4.0),
        );
    }
    for part in figure.band.iter().flat_map(|band| band.split(|(_, low, _)| !low.is_finite())) {
        let high = part.iter().map(|(at, _, high)| (*at, *high));
        let low = part.iter().rev().map(|(at, low, _)| (*at, *low));
        let points: Vec<String> =
            high.chain(low).map(|(at, value)| format!("{:.1},{:.1}", across.x(at), y(value))).collect();
        if !points.is_empty() {
            put(&mut out, format_args!(r#"<polygon class="band" points="{}"/>"#, points.join(" ")));
        }
    }
    for (line, colour) in figure.lines.iter().zip(COLOURS) {
        let path = path(line, |at| across.x(at), y);
        let title = format!("{}, at most {}", escape(&line.label), scale::text(figure.unit, largest(line)));
        put(
            &mut out,
            format_args!(r#"<path class="line" stroke="{colour}" d="{path}"><title>{title}</title></path>"#),
        );
    }
    out.push_str("</svg>\n");
    out
}

fn largest(line: &Line) -> f64 {
    line.points.iter().map(|(_, value)| *value).filter(|value| value.is_finite()).fold(0.0, f64::max)
}

/// A gap in the values is a gap in the line.
fn path(line: &Line, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for (at, value) in &line.points {
        if value.is_finite() {
            let letter = if pen_down { 'L' } else { 'M' };
            write!(path, "{letter}{:.1} {:.1}", x(*at), y(*value)).expect("a string takes everything");
        }
        pen_down = value.is_finite();
    }
    path
}

/// Faults: those that last as an area, those of a moment as a line.
pub(super) fn shade(out: &mut String, across: Across, faults: &[Span], top: f64, bottom: f64) {
    for fault in faults {
        let (from, to) = (across.x(fault.from.as_secs_f64()), across.x(fault.to.as_secs_f64()));
        let (width, height, text) = (to - from, bottom - top, escape(&fault.text));
        if width >= 1.0 {
            put(
                out,
                format_args!(
                    r#"<rect class="fault" x="{from:.1}" y="{top}" width="{width:.1}" height="{height:.1}"><title>{text}</title></rect>"#
                ),
            );
        } else {
            put(
                out,
                format_args!(
                    r#"<path class="moment" d="M{from:.1} {top}V{bottom:.1}"><title>{text}</title></path>"#
                ),
            );
        }
    }
}
