//! The tokens of this account: a file that only it can read, `~/.local/state/fastx/logins.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail};
use config::Secrecy;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tunnel::identity::Secret;

/// By the address of a server.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) logins: BTreeMap<String, Login>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) token: Secret,
    pub(crate) claims: Value,
    /// Certificates that the address is checked with, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<String>,
}

impl Kept {
    /// Nothing, if there is no file.
    pub(crate) fn read() -> anyhow::Result<Self> {
        Ok(config::read_optional(&path()?, Secrecy::OwnerOnly)?.unwrap_or_default())
    }

    pub(crate) fn write(&self) -> anyhow::Result<()> {
        Ok(config::write_json(&path()?, self, Secrecy::OwnerOnly)?)
    }

    /// The login for this address, or the only one.
    pub(crate) fn of(&self, url: Option<&str>) -> anyhow::Result<(&str, &Login)> {
        let one = match url {
            Some(url) => {
                let same = |known: &&String| known.trim_end_matches('/') == url.trim_end_matches('/');
                self.logins.iter().find(|(known, _)| same(known))
            }
            None if self.logins.len() > 1 => {
                let known: Vec<_> = self.logins.keys().map(String::as_str).collect();
                bail!("you are signed in on several servers; say which: {}", known.join(" "));
            }
            None => self.logins.iter().next(),
        };
        let (url, login) = one.context("you are not signed in there; next: fastx login URL")?;
        Ok((url, login))
    }
}

/// XDG Base Directory Specification: `$XDG_STATE_HOME`, else `~/.local/state`.
fn path() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
    Ok(state
        .context("neither $XDG_STATE_HOME nor $HOME says where to keep the token")?
        .join("fastx/logins.json"))
}
