//! `lan.json`: the nodes next to this one, which hand streams on to each other.

use std::collections::BTreeMap;
use std::path::Path;

use config::{ConfigError, Document, HostPort, ListenAddr, Secrecy};
use serde::Deserialize;
use tunnel::{Fingerprint, ServerId};

/// Who may come in, and who can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Lan {
    /// Where the peers reach this node; without it, this node only hands on.
    pub listen: Option<ListenAddr>,
    #[serde(default)]
    pub peers: BTreeMap<ServerId, Peer>,
}

/// One node next to this one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Peer {
    /// Its LAN listener; without it, the peer may come in but is not reached from here.
    pub connect: Option<HostPort>,
    /// Its key, as `fastx node key` prints it there.
    #[serde(deserialize_with = "fingerprint")]
    pub key: Fingerprint,
}

fn fingerprint<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
    let fingerprint = Fingerprint::deserialize(deserializer)?;
    let digits = fingerprint.as_str().strip_prefix("sha256:").unwrap_or_default();
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() != 64 || !digits.bytes().all(hexadecimal) {
        let what = "not a key's fingerprint; run `fastx node key` on that node and copy its sha256:… line";
        return Err(serde::de::Error::custom(what));
    }
    Ok(fingerprint)
}

/// Reads `path`; no file is no peer. `me` must not be among the peers.
pub(crate) fn read(path: &Path, me: &ServerId) -> Result<Lan, ConfigError> {
    match Document::read(path, Secrecy::Public) {
        Ok(document) => from_document(&document, me),
        Err(error) if error.is_missing() => Ok(Lan::default()),
        Err(error) => Err(error),
    }
}

fn from_document(document: &Document, me: &ServerId) -> Result<Lan, ConfigError> {
    let lan: Lan = document.parse()?;
    if lan.peers.contains_key(me) {
        let what = format!("`{me}` is this node itself");
        return Err(document.fault(&["peers", me.as_str()], what, "name only the others"));
    }
    Ok(lan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Lan, String> {
        let document = Document::from_bytes(Path::new("lan.json"), text.into()).map_err(|e| e.to_string())?;
        from_document(&document, &ServerId::new("me").unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn peers_are_read_and_mistakes_named() {
        let key = format!("sha256:{}", "0f".repeat(32));
        let good = format!(
            r#"{{ "listen": "10.0.0.2:3310", "peers": {{ "b": {{ "connect": "10.0.0.3:3310", "key": "{key}" }}, "c": {{ "key": "{key}" }} }} }}"#
        );
        let lan = parse(&good).unwrap();
        let connect: Vec<bool> = lan.peers.values().map(|peer| peer.connect.is_some()).collect();
        assert_eq!(connect, [true, false]);
        assert!(parse(&good.replace("\"b\"", "\"me\"")).unwrap_err().contains("is this node itself"));
        assert!(parse(&good.replace("0f0f", "0F0F")).unwrap_err().contains("not a key's fingerprint"));
        assert!(parse(&good.replace("\"b\"", "\"b/c\"")).unwrap_err().contains("is not a server id"));
        assert!(parse(&good.replace("10.0.0.2", "lan0")).unwrap_err().contains("is no IP address"));
    }
}
