//! Which way text goes between the clipboards of a display and of those who look at it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an administrator allows; a display holds to it from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Clipboard {
    /// Both ways.
    #[default]
    Both,
    /// Into the display only.
    In,
    /// Out of the display only.
    Out,
    /// No way.
    Off,
}

impl Clipboard {
    /// As the setting takes them.
    pub const WORDS: &[&str] = &["both", "in", "out", "off"];

    /// Whether the display takes what people copied elsewhere.
    pub fn takes(self) -> bool {
        matches!(self, Self::Both | Self::In)
    }

    /// Whether people get what is copied in the display.
    pub fn gives(self) -> bool {
        matches!(self, Self::Both | Self::Out)
    }
}
