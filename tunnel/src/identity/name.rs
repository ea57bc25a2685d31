//! Server ids, secrets that do not print, and the fingerprint of a key.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Name of a server in its cluster: 1 to 64 of `A-Z a-z 0-9 . _ -`, so that it can stand in a path and a cookie.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerId(Arc<str>);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a server id: use 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit")]
pub struct BadServerId(String);

impl ServerId {
    pub fn new(id: &str) -> Result<Self, BadServerId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let starts_well = id.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if id.len() > 64 || !starts_well || !id.bytes().all(allowed) {
            return Err(BadServerId(id.chars().take(80).collect()));
        }
        Ok(Self(id.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ServerId {
    type Error = BadServerId;
    fn try_from(id: String) -> Result<Self, BadServerId> {
        Self::new(&id)
    }
}

impl From<ServerId> for String {
    fn from(id: ServerId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl std::fmt::Display for ServerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for ServerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A string that must not be shown: prints as `[redacted]`, compares in constant time.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// 256 random bits, hexadecimal.
    pub fn random() -> Self {
        Self(hex(&rand::random::<[u8; 32]>()))
    }

    /// For writing it to a file; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

/// SHA-256 of a node's public key, printed as `sha256:…`; what a server id is bound to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub fn of_public_key(spki: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, spki);
        Self(format!("sha256:{}", hex(digest.as_ref())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
