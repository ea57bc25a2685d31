//! The server's own sshd, as `logins.json` names it.

use config::HostPort;
use serde::Deserialize;

/// Where packages put the host's keys.
const FOLDER: &str = "/etc/ssh";

/// Where it listens, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sshd {
    pub(super) label: Option<String>,
    connect: Option<HostPort>,
    host_keys: Option<Vec<HostKey>>,
}

/// As in a `.pub` file: `ssh-ed25519 AAAA…`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct HostKey(String);

impl TryFrom<String> for HostKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut words = text.split_whitespace();
        match (words.next(), words.next()) {
            (Some(kind), Some(key)) if !kind.starts_with(['#', '@']) && key.starts_with("AAAA") => {
                Ok(Self(format!("{kind} {key}")))
            }
            _ => Err("a key is written as in /etc/ssh/ssh_host_ed25519_key.pub: ssh-ed25519 AAAA…"),
        }
    }
}

impl Sshd {
    pub(crate) fn host(&self) -> &str {
        self.connect.as_ref().map_or("127.0.0.1", |connect| &connect.host)
    }

    pub(crate) fn port(&self) -> u16 {
        self.connect.as_ref().map_or(22, |connect| connect.port)
    }

    /// Its keys: those of the file, else this machine's. Reads files, small ones.
    pub(crate) fn keys(&self) -> Vec<String> {
        if let Some(keys) = &self.host_keys {
            return keys.iter().map(|key| key.0.clone()).collect();
        }
        let files = std::fs::read_dir(FOLDER).into_iter().flatten().flatten();
        let public = files.filter(|file| {
            let name = file.file_name();
            let name = name.to_string_lossy();
            name.starts_with("ssh_host_") && name.ends_with("_key.pub")
        });
        let read = public.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        read.filter_map(|text| HostKey::try_from(text).ok()).map(|key| key.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_line_of_two_words() {
        let key = |text: &str| HostKey::try_from(text.to_owned()).map(|key| key.0);
        assert_eq!(key("ssh-ed25519 AAAAC3Nz me@here\n").unwrap(), "ssh-ed25519 AAAAC3Nz");
        for bad in ["", "ssh-ed25519", "@cert-authority AAAA", "# AAAA", "host ssh-ed25519 AAAA"] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }
}
