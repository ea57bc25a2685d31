//! A name in a plan, which knows where it stands.

use std::fmt::{Display, Formatter};
use std::ops::{Deref, Range};

use serde::Deserialize;
use serde::de::Deserializer;

/// The name of a host, path or work, or a reference to one. It is used like a `&str`; two names are equal when their
/// texts are.
#[derive(Clone, Debug)]
pub struct Name {
    text: String,
    span: Range<usize>,
}

impl Name {
    /// Bytes in the file, for errors; empty when the name was not read from one.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), span: 0..0 }
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { span: spanned.span(), text: spanned.into_inner() })
    }
}
