//! The days of several chains, drawn as SVG: a panel of sessions for each chain, and what they are compared by.

use std::fmt::Write;

use super::figures::{Look, Outcome};

/// Pixels.
const WIDTH: f64 = 900.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TITLE: f64 = 34.0;
const HEIGHT: f64 = 170.0;
const AXIS: f64 = 34.0;
const MINUTES: f64 = 1440.0;
/// A line for each server, as long as lines can be told apart; for more servers areas alone.
const MOST_LINES: usize = 40;

/// Told apart by people who do not see all colours (Paul Tol's "bright").
const COLOURS: [&str; 7] = ["#4477aa", "#ee6677", "#228833", "#ccaa22", "#3fa7c4", "#aa3377", "#777777"];
const STYLE: &str = "svg{background:#fff}text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:13px}\
.g{stroke:#d0d7de;stroke-width:1;fill:none}.l{fill:none;stroke-width:1.6}.s{fill:none;stroke-width:.7;stroke-opacity:.4}";

/// A file.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    pub name: &'static str,
    pub svg: String,
}

/// From a look to what is drawn of it.
type Height = fn(&Look) -> Option<f64>;

/// All there are; of no outcome there is nothing to draw.
pub fn drawings(outcomes: &[Outcome]) -> Vec<Drawing> {
    let lines: [(&str, &str, Height); 3] = [
        ("load.svg", "Load of the most loaded machine, for each of its processors", |look| {
            Some(look.peak_load)
        }),
        (
            "unfairness.svg",
            "Unfairness: standard deviation over mean of the load for each processor",
            |look| look.unfairness,
        ),
        ("failed.svg", "Starts that failed, since midnight", |look| Some(look.failed as f64)),
    ];
    let compared =
        lines.map(|(name, title, height)| Drawing { name, svg: comparison(title, outcomes, height) });
    let sessions = Drawing { name: "sessions.svg", svg: sessions(outcomes) };
    std::iter::once(sessions).chain(compared).collect()
}

/// One panel, a line for each chain.
fn comparison(title: &str, outcomes: &[Outcome], height: Height) -> String {
    let values = outcomes.iter().flat_map(|outcome| outcome.looks.iter().filter_map(height));
    let panel = Panel::new(0.0, values.fold(0.0, f64::max));
    let mut body = panel.frame(title);
    for (place, outcome) in outcomes.iter().enumerate() {
        let points = outcome.looks.iter().map(|look| Some((look.minute as f64, height(look)?)));
        body += &panel.line("l", colour(place), &outcome.chain, points);
    }
    let rows = legend(&mut body, outcomes, panel.bottom + AXIS + 6.0);
    document(title, panel.bottom + AXIS + 20.0 * rows + 8.0, &body)
}

/// A panel for each chain, all with the same scale.
fn sessions(outcomes: &[Outcome]) -> String {
    let highest = outcomes.iter().map(|outcome| outcome.peak_sessions).max().unwrap_or(0);
    let (mut body, mut top) = (String::new(), 0.0);
    for (place, outcome) in outcomes.iter().enumerate() {
        let panel = Panel::new(top, highest as f64);
        let about = "Sessions of each server; light: from fewest to most, dark: the middle eighty percent";
        body += &panel.frame(&format!("{}. {about}", outcome.chain));
        for (part, opacity) in [(0.0, 0.15), (0.1, 0.3)] {
            body += &panel.area(colour(place), opacity, outcome, part);
        }
        for server in (0..outcome.servers.len()).filter(|_| outcome.servers.len() <= MOST_LINES) {
            let points = outcome
                .looks
                .iter()
                .map(|look| Some((look.minute as f64, *look.sessions.get(server)? as f64)));
            body += &panel.line("s", colour(place), &outcome.servers[server], points);
        }
        top = panel.bottom + AXIS;
    }
    document("Sessions of each server over the day", top, &body)
}

fn colour(place: usize) -> &'static str {
    COLOURS[place % COLOURS.len()]
}

fn document(title: &str, height: f64, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\"><title>{}</title><style>{STYLE}</style>\n{body}</svg>\n",
        escape(title)
    )
}

/// Returns the number of its rows.
fn legend(body: &mut String, outcomes: &[Outcome], top: f64) -> f64 {
    const COLUMNS: usize = 4;
    for (place, outcome) in outcomes.iter().enumerate() {
        let x = LEFT + (place % COLUMNS) as f64 * 205.0;
        let y = top + (place / COLUMNS) as f64 * 20.0;
        let (text, colour) = (escape(&crate::text::cut(&outcome.chain, 26)), colour(place));
        *body += &format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"14\" height=\"4\" fill=\"{colour}\"/><text x=\"{}\" y=\"{}\">{text}</text>\n",
            x + 20.0,
            y + 7.0
        );
    }
    outcomes.len().div_ceil(COLUMNS) as f64
}

struct Panel {
    top: f64,
    bottom: f64,
    highest: f64,
    step: f64,
}

impl Panel {
    fn new(above: f64, highest: f64) -> Self {
        let top = above + TITLE;
        // Steps of 1, 2 or 5 times a power of ten, four or five of them.
        let rough = (highest.max(1e-3) / 4.0).log10();
        let power = 10_f64.powf(rough.floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| step * 5.0 >= highest);
        let step = step.unwrap_or(10.0 * power);
        Self { top, bottom: top + HEIGHT, highest: step * (highest / step).ceil().max(1.0), step }
    }

    fn x(minute: f64) -> f64 {
        LEFT + minute / MINUTES * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - value / self.highest * HEIGHT
    }

    fn frame(&self, title: &str) -> String {
        let mut text =
            format!("<text class=\"t\" x=\"{LEFT}\" y=\"{}\">{}</text>\n", self.top - 12.0, escape(title));
        for hour in (0..=24).step_by(3) {
            let (x, y) = (Self::x(f64::from(hour) * 60.0), self.bottom + 16.0);
            text += &format!(
                "<path class=\"g\" d=\"M{x:.1} {:.1}V{:.1}\"/><text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{hour:02}:00</text>\n",
                self.top, self.bottom
            );
        }
        let mut value = 0.0;
        while value <= self.highest * 1.000_001 {
            let (y, x, right) = (self.y(value), LEFT - 8.0, WIDTH - RIGHT);
            let label = format!("{value:.2}");
            let label = label.trim_end_matches('0').trim_end_matches('.');
            text += &format!(
                "<path class=\"g\" d=\"M{LEFT} {y:.1}H{right}\"/><text x=\"{x}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n",
                y + 4.0
            );
            value += self.step;
        }
        text
    }

    /// What is missing is a gap.
    fn line(
        &self,
        class: &str,
        colour: &str,
        title: &str,
        points: impl Iterator<Item = Option<(f64, f64)>>,
    ) -> String {
        let (mut path, mut pen_down) = (String::new(), false);
        for point in points {
            if let Some((minute, value)) = point {
                let letter = if pen_down { 'L' } else { 'M' };
                write!(path, "{letter}{:.1} {:.1}", Self::x(minute), self.y(value))
                    .expect("a string takes everything");
            }
            pen_down = point.is_some();
        }
        format!(
            "<path class=\"{class}\" stroke=\"{colour}\" d=\"{path}\"><title>{}</title></path>\n",
            escape(title)
        )
    }

    /// Between two quantiles: so much is left out below and above.
    fn area(&self, colour: &str, opacity: f64, outcome: &Outcome, part: f64) -> String {
        let quantiles = outcome.looks.iter().map(|look| {
            let mut sorted = look.sessions.clone();
            sorted.sort_unstable();
            let at = |part: f64| {
                sorted
                    .get((part * sorted.len().saturating_sub(1) as f64).round() as usize)
                    .copied()
                    .unwrap_or(0)
            };
            (look.minute as f64, at(part) as f64, at(1.0 - part) as f64)
        });
        let quantiles: Vec<_> = quantiles.collect();
        let upper = quantiles.iter().map(|(minute, _, high)| (*minute, *high));
        let lower = quantiles.iter().rev().map(|(minute, low, _)| (*minute, *low));
        let points: Vec<String> = upper
            .chain(lower)
            .map(|(minute, value)| format!("{:.1},{:.1}", Self::x(minute), self.y(value)))
            .collect();
        format!("<polygon fill=\"{colour}\" fill-opacity=\"{opacity}\" points=\"{}\"/>\n", points.join(" "))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_drawn_within_the_frame_and_names_are_text() {
        let look = |minute, sessions: Vec<usize>| Look {
            minute,
            sessions,
            peak_load: 0.4,
            unfairness: None,
            failed: 3,
        };
        let outcome = Outcome {
            chain: "<mine> & \"others\"".into(),
            peak_sessions: 7,
            servers: vec!["a".into(), "b".into()],
            looks: vec![look(0, vec![0, 0]), look(1440, vec![7, 2])],
            ..Outcome::default()
        };
        let drawn = drawings(&[outcome]);
        assert_eq!(
            drawn.iter().map(|drawing| drawing.name).collect::<Vec<_>>(),
            ["sessions.svg", "load.svg", "unfairness.svg", "failed.svg"]
        );
        for Drawing { svg, .. } in &drawn {
            assert!(
                svg.starts_with("<svg xmlns")
                    && svg.ends_with("</svg>\n")
                    && svg.contains("&lt;mine&gt; &amp; &quot;others&quot;")
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        let panel = Panel::new(0.0, 7.0);
        assert_eq!((panel.highest, panel.step), (8.0, 2.0));
        assert_eq!((panel.y(0.0), panel.y(8.0)), (panel.bottom, panel.top));
    }
}
