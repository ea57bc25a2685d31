//! Size of a screen.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Width and height in pixels, each 64 to 16384; written `1280x800`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Geometry {
    width: u16,
    height: u16,
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a screen size: write WIDTHxHEIGHT, each from 64 to 16384, for example 1280x800")]
pub struct BadGeometry(String);

impl Geometry {
    pub const DEFAULT: Self = Self { width: 1280, height: 800 };

    /// A size that a display says it has; `None` if it is out of bounds.
    pub fn new(width: u16, height: u16) -> Option<Self> {
        let fits = |side: u16| (64..=16384).contains(&side);
        (fits(width) && fits(height)).then_some(Self { width, height })
    }

    pub fn width(self) -> u16 {
        self.width
    }

    pub fn height(self) -> u16 {
        self.height
    }

    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl Default for Geometry {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for Geometry {
    type Err = BadGeometry;

    fn from_str(text: &str) -> Result<Self, BadGeometry> {
        let side = |text: &str| text.parse().ok().filter(|side| (64..=16384).contains(side));
        text.split_once('x')
            .and_then(|(width, height)| Some(Self { width: side(width)?, height: side(height)? }))
            .ok_or_else(|| BadGeometry(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Geometry {
    type Error = BadGeometry;
    fn try_from(text: String) -> Result<Self, BadGeometry> {
        text.parse()
    }
}

impl From<Geometry> for String {
    fn from(geometry: Geometry) -> Self {
        geometry.to_string()
    }
}

impl std::fmt::Display for Geometry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints_and_refuses_the_rest() {
        assert_eq!("1280x800".parse::<Geometry>().unwrap(), Geometry::DEFAULT);
        assert_eq!(Geometry::DEFAULT.to_string(), "1280x800");
        for bad in ["", "1280", "x", "63x800", "1280x16385", "1280x800x2", "-1x800", "1e3x800"] {
            assert!(bad.parse::<Geometry>().is_err(), "{bad}");
        }
    }
}
