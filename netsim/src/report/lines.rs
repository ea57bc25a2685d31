//! What an outcome's numbers become in a plot.

use std::time::Duration;

use super::scale::Unit;
use crate::outcome::{Outcome, Quantity, Series, WorkOutcome};

/// More lines than this in one plot are shown as their middle and their range.
const MOST_LINES: usize = 6;
/// Points of a line; a plot is 860 pixels wide.
const MOST_POINTS: usize = 860;

/// A plot's content; values over seconds.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) title: &'static str,
    /// What exactly is shown, in a sentence.
    pub(super) about: &'static str,
    pub(super) unit: Unit,
    pub(super) lines: Vec<Line>,
    /// The range of all, when there are too many lines.
    pub(super) band: Option<Vec<(f64, f64, f64)>>,
}

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) label: String,
    /// Seconds and value; a value that is not finite is a gap.
    pub(super) points: Vec<(f64, f64)>,
}

/// The figures of a report, those with something to show.
pub(super) fn figures(outcome: &Outcome) -> Vec<Figure> {
    let sampled = |title, about, unit, quantity| {
        let lines = outcome.series.of(quantity).map(line).collect();
        Figure::new(title, about, unit, lines)
    };
    let throughput = outcome.work.iter().filter(|work| work.progress.len() > 1).map(throughput).collect();
    let dialled: Vec<Line> = vec![Line { label: "all nodes".into(), points: dials(outcome) }];
    let figures = [
        Figure::new(
            "Throughput",
            "Bytes that arrived at their reader, for each work",
            Unit::BitsPerSecond,
            throughput,
        ),
        sampled(
            "Latency",
            "Round trip of a keystroke, or time to the first byte",
            Unit::Seconds,
            Quantity::Latency,
        ),
        sampled("Round trip", "As the sender of a tunnel measures it", Unit::Seconds, Quantity::Rtt),
        sampled(
            "Congestion window",
            "What a tunnel's sender lets be on its way",
            Unit::Bytes,
            Quantity::Window,
        ),
        sampled("Queue", "What waits before a link", Unit::Bytes, Quantity::Queue),
        sampled("Nodes connected", "Nodes that have a tunnel", Unit::Count, Quantity::Connected),
        sampled("Streams open", "Streams that are open", Unit::Count, Quantity::Streams),
        Figure::new("Tunnels dialled", "In each second", Unit::Count, dialled),
    ];
    figures.into_iter().filter(Figure::shows_something).collect()
}

impl Figure {
    fn new(title: &'static str, about: &'static str, unit: Unit, lines: Vec<Line>) -> Self {
        let (lines, band) = if lines.len() > MOST_LINES { envelope(&lines) } else { (lines, None) };
        let lines = lines.into_iter().map(Line::thinned).collect();
        Self { title, about, unit, lines, band }
    }

    fn shows_something(&self) -> bool {
        self.lines.iter().any(|line| line.points.iter().any(|(_, value)| value.is_finite() && *value != 0.0))
    }

    /// The largest value, 0 when there is none.
    pub(super) fn largest(&self) -> f64 {
        let points = self.lines.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value));
        let band = self.band.iter().flatten().map(|(_, _, high)| *high);
        points.chain(band).filter(|value| value.is_finite()).fold(0.0, f64::max)
    }
}

fn line(series: &Series) -> Line {
    let points = series.points.iter().map(|(at, value)| (at.as_secs_f64(), *value)).collect();
    Line { label: series.of.clone(), points }
}

/// Bits per second between the samples of a work's progress, each at the end of its time.
fn throughput(work: &WorkOutcome) -> Line {
    let between = |pair: &[(Duration, u64)]| (pair[1].0.as_secs_f64(), work.goodput(pair[0].0, pair[1].0));
    Line { label: work.name.clone(), points: work.progress.windows(2).map(between).collect() }
}

fn dials(outcome: &Outcome) -> Vec<(f64, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a day, and dials in one")]
    let steps = |(second, count): (usize, &u64)| {
        [(second as f64, *count as f64), (second as f64 + 1.0, *count as f64)]
    };
    outcome.dials.iter().enumerate().flat_map(steps).collect()
}

type Band = Vec<(f64, f64, f64)>;

/// The middle of all lines, and the smallest and largest, at the times of the longest line.
fn envelope(lines: &[Line]) -> (Vec<Line>, Option<Band>) {
    let Some(longest) = lines.iter().max_by_key(|line| line.points.len()) else { return (Vec::new(), None) };
    let (mut middle, mut band) = (Vec::new(), Vec::new());
    for (at, _) in &longest.points {
        let mut values: Vec<f64> = lines.iter().filter_map(|line| line.at(*at)).collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values.first().copied(), values.last().copied());
        // Where no line has a value there is a gap.
        let (low, high) = (low.unwrap_or(f64::NAN), high.unwrap_or(f64::NAN));
        middle.push((*at, values.get(values.len() / 2).copied().unwrap_or(f64::NAN)));
        band.push((*at, low, high));
    }
    let label = format!("the middle of {}; shaded: the smallest to the largest", lines.len());
    (vec![Line { label, points: middle }], Some(band))
}

impl Line {
    /// The last value at a time or before.
    fn at(&self, at: f64) -> Option<f64> {
        let behind = self.points.partition_point(|(time, _)| *time <= at);
        self.points[..behind].last().map(|(_, value)| *value).filter(|value| value.is_finite())
    }

    /// Neighbouring points as their mean when there are more than a plot has columns.
    fn thinned(self) -> Self {
        let of_each = self.points.len().div_ceil(MOST_POINTS);
        if of_each <= 1 {
            return self;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few points")]
        let mean = |points: &[(f64, f64)]| {
            let (time, value) =
                points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
            (time / points.len() as f64, value / points.len() as f64)
        };
        Self { label: self.label, points: self.points.chunks(of_each).map(mean).collect() }
    }
}
