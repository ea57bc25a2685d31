//! Names: of servers, collections and documents.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// 1 to 128 of `A-Z a-z 0-9 . _ @ + -`, beginning with a letter or digit: it can stand in a file name, a URL and, with its
/// dots replaced, in a subject. Every server id is one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no name: use 1 to 128 of A-Z a-z 0-9 . _ @ + - and begin with a letter or digit")]
pub struct BadName(String);

impl Name {
    pub fn new(name: &str) -> Result<Self, BadName> {
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'@' | b'+' | b'-');
        let starts_well = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if name.len() > 128 || !starts_well || !name.bytes().all(allowed) {
            return Err(BadName(name.chars().take(80).collect()));
        }
        Ok(Self(name.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;
    fn try_from(name: String) -> Result<Self, BadName> {
        Self::new(&name)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_a_file_and_never_a_way_out_of_its_folder() {
        for good in ["a", "alice@EXAMPLE.ORG", "node-1.lab", "7", &"x".repeat(128)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        for bad in
            ["", ".", "..", ".hidden", "-rf", "a/b", "a b", "ä", "a\0", "a*", "a>", "a%", &"x".repeat(129)]
        {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }
}
