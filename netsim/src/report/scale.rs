//! Axes: round numbers with their units.

/// What the numbers of a plot are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    BitsPerSecond,
    Bytes,
    Seconds,
    Count,
}

/// An axis from 0 to at least the largest value.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) top: f64,
    step: f64,
    factor: f64,
    pub(super) unit: &'static str,
}

const RATES: [(f64, &str); 4] = [(1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1.0, "bit/s")];
const SIZES: [(f64, &str); 4] = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")];
const TIMES: [(f64, &str); 3] = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
const COUNTS: [(f64, &str); 1] = [(1.0, "")];

/// The largest unit that leaves the number at 1 or above.
fn unit(unit: Unit, value: f64) -> (f64, &'static str) {
    let units: &[(f64, &str)] = match unit {
        Unit::BitsPerSecond => &RATES,
        Unit::Bytes => &SIZES,
        Unit::Seconds => &TIMES,
        Unit::Count => &COUNTS,
    };
    let last = units[units.len() - 1];
    units.iter().copied().find(|(factor, _)| value >= *factor).unwrap_or(last)
}

impl Axis {
    /// About `ticks` steps of 1, 2 or 5 times a power of ten.
    pub(super) fn new(kind: Unit, largest: f64, ticks: u32) -> Self {
        let smallest = if kind == Unit::Count { 1.0 } else { 1e-6 };
        let largest = if largest.is_finite() { largest.max(smallest) } else { smallest };
        let rough = largest / f64::from(ticks);
        let power = 10f64.powf(rough.log10().floor());
        let mut step =
            [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| *step >= rough * 0.999);
        if kind == Unit::Count {
            step = step.map(|step| step.max(1.0));
        }
        let step = step.unwrap_or(10.0 * power);
        let top = (largest / step - 1e-9).ceil() * step;
        let (factor, unit) = unit(kind, top);
        Self { top, step, factor, unit }
    }

    /// Each tick's value and its text, from 0.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, String)> + '_ {
        let whole = (0u32..=1_000).map(|i| f64::from(i) * self.step);
        whole
            .take_while(|value| *value <= self.top * 1.000_001)
            .map(|value| (value, trimmed(value / self.factor)))
    }
}

/// A value with its unit, three digits: `12.3 Mbit/s`.
pub(super) fn text(kind: Unit, value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let (factor, unit) = unit(kind, value);
    let number = value / factor;
    let digits = if number >= 99.95 || kind == Unit::Count {
        0
    } else if number >= 9.995 {
        1
    } else {
        2
    };
    format!("{number:.digits$} {unit}").trim_end().to_owned()
}

/// Without trailing zeros.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(kind: Unit, largest: f64) -> (Vec<String>, &'static str) {
        let axis = Axis::new(kind, largest, 4);
        (axis.ticks().map(|(_, text)| text).collect(), axis.unit)
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            ticks(Unit::BitsPerSecond, 93e6),
            (["0", "50", "100"].map(String::from).to_vec(), "Mbit/s")
        );
        assert_eq!(ticks(Unit::Seconds, 0.0421), (["0", "20", "40", "60"].map(String::from).to_vec(), "ms"));
        assert_eq!(ticks(Unit::Count, 2.0), (["0", "1", "2"].map(String::from).to_vec(), ""));
        assert_eq!(ticks(Unit::Bytes, 0.0).0[0], "0");
        assert_eq!(ticks(Unit::Seconds, f64::NAN).0.len(), 3);
    }

    #[test]
    fn values_have_three_digits_and_a_unit() {
        let cases = [(93.44e6, "93.4 Mbit/s"), (1e9, "1.00 Gbit/s"), (0.0, "0"), (999.9e3, "1000 kbit/s")];
        for (value, shown) in cases {
            assert_eq!(text(Unit::BitsPerSecond, value), shown);
        }
        assert_eq!(text(Unit::Seconds, 0.0421), "42.1 ms");
        assert_eq!(text(Unit::Count, 10_000.0), "10000");
    }
}
