//! Names of sessions.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of a session in its cluster: 1 to 32 of `a-z 0-9 -`, so that it can be a folder's name and stand in a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SessionId(Arc<str>);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a session id: use 1 to 32 of a-z 0-9 -")]
pub struct BadSessionId(String);

impl SessionId {
    pub fn new(id: &str) -> Result<Self, BadSessionId> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || id.len() > 32 || !id.bytes().all(allowed) {
            return Err(BadSessionId(id.chars().take(40).collect()));
        }
        Ok(Self(id.into()))
    }

    /// 48 random bits: among the sessions of a cluster's lifetime no two are the same.
    pub fn random() -> Self {
        Self(format!("{:012x}", rand::random::<u64>() >> 16).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Of an object that names no session.
impl Default for SessionId {
    fn default() -> Self {
        Self("none".into())
    }
}

impl TryFrom<String> for SessionId {
    type Error = BadSessionId;
    fn try_from(id: String) -> Result<Self, BadSessionId> {
        Self::new(&id)
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_be_a_folder_and_part_of_an_address() {
        assert!(SessionId::new(SessionId::random().as_str()).is_ok());
        for bad in ["", ".", "..", "a/b", "A", "a b", "é", &"x".repeat(33)] {
            assert!(SessionId::new(bad).is_err(), "{bad}");
        }
    }
}
