//! Quantities with their units, as an administrator writes them: `"100Mbit/s"`, `"64kB"`, `"2%"`.

use std::fmt::{Display, Formatter};
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

const RATES: [(&str, f64); 5] =
    [("bit/s", 1.0), ("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9), ("Tbit/s", 1e12)];
const SIZES: [(&str, f64); 7] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];

/// Bits per second; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    pub const fn bits_per_second(bits: u64) -> Self {
        Self(if bits == 0 { 1 } else { bits })
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    /// How long `bytes` take to send, rounded up so that the rate is never exceeded.
    pub fn time(self, bytes: u64) -> Duration {
        let nanos = (u128::from(bytes) * 8 * 1_000_000_000).div_ceil(self.0.into());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many whole bytes are sent in `time`.
    pub fn bytes(self, time: Duration) -> u64 {
        u64::try_from(u128::from(self.0) * time.as_nanos() / 8_000_000_000).unwrap_or(u64::MAX)
    }
}

/// Bytes; 1 kB is 1,000 of them and 1 KiB 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A share of all packets, from 0 to 1; written in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    pub const NONE: Self = Self(0.0);

    /// Clamped to 0..=1.
    pub fn new(share: f64) -> Self {
        Self(if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) })
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

/// `"1.5 Mbit/s"` into the number and the unit's factor; `None` when either is not known, or the number is negative.
fn quantity(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (number, unit) = text.split_at(split);
    let factor = units.iter().find(|(name, _)| *name == unit.trim())?.1;
    number.parse::<f64>().ok().map(|number| number * factor)
}

impl std::str::FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bits = quantity(text, &RATES).filter(|bits| (1.0..=1e15).contains(bits)).ok_or(())?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10^15")]
        Ok(Self(bits.round() as u64))
    }
}

impl std::str::FromStr for Size {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = quantity(text, &SIZES).filter(|bytes| *bytes <= 1e15).ok_or(())?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10^15")]
        Ok(Self(bytes.round() as u64))
    }
}

impl std::str::FromStr for Share {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let percent = quantity(text, &[("%", 1.0)]).filter(|percent| *percent <= 100.0).ok_or(())?;
        Ok(Self(percent / 100.0))
    }
}

/// The largest unit that keeps the number at 1 or above, with at most 3 decimals.
fn show(f: &mut Formatter<'_>, value: f64, units: &[(&str, f64)]) -> std::fmt::Result {
    let (name, factor) = units
        .iter()
        .rev()
        .find(|(_, factor)| value >= *factor)
        .or(units.first())
        .expect("units are not empty");
    write!(f, "{} {name}", (value / factor * 1e3).round() / 1e3)
}

impl Display for Rate {
    #[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        show(f, self.0 as f64, &RATES)
    }
}

impl Display for Size {
    #[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        show(f, self.0 as f64, &SIZES[..4])
    }
}

impl Display for Share {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", (self.0 * 1e5).round() / 1e3)
    }
}

/// What a quantity looks like, for its error.
trait Example {
    const EXAMPLE: &'static str;
}

impl Example for Rate {
    const EXAMPLE: &'static str = "a rate, such as \"100Mbit/s\" or \"2.5Gbit/s\"";
}

impl Example for Size {
    const EXAMPLE: &'static str = "a size, such as \"200B\", \"64kB\" or \"1MiB\"";
}

impl Example for Share {
    const EXAMPLE: &'static str = "a share, such as \"2%\" or \"0.1%\"";
}

struct Text<T>(std::marker::PhantomData<T>);

impl<T: Example + std::str::FromStr> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(T::EXAMPLE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

macro_rules! written_as_text {
    ($($kind:ty),*) => {$(
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(std::marker::PhantomData))
            }
        }
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

written_as_text!(Rate, Size, Share);
