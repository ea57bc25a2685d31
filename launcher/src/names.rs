//! Names that the launcher takes.

use serde::{Deserialize, Serialize};

/// Bytes of a name.
const LONGEST_NAME: usize = 64;

/// A name to sign in with: nothing that a program could take for an option, a number or a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

impl UserName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UserName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@\\+".contains(&byte);
        let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        let is_name = first && name.len() <= LONGEST_NAME && name.bytes().all(allowed);
        if is_name { Ok(Self(name)) } else { Err("this is no name of an account") }
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

/// A file in `/etc/pam.d` that is meant for us: whoever may ask the launcher may not ask for another program's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(String);

impl ServiceName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ServiceName {
    fn default() -> Self {
        Self("fastx".to_owned())
    }
}

impl TryFrom<String> for ServiceName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_ours = name.starts_with("fastx") && name.len() <= LONGEST_NAME && name.bytes().all(allowed);
        if is_ours { Ok(Self(name)) } else { Err("a PAM service is named `fastx` or `fastx-…`") }
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.0
    }
}
