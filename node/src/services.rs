//! `services.json`: what this node offers through its tunnels beside the portal.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};

use config::{ConfigError, Document, HostPort, Secrecy};
use serde::Deserialize;

/// The built-in service; no file can name another thing so.
pub const PORTAL: &str = "portal";

/// Where a service listens on this machine, or near it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Target {
    Tcp(HostPort),
    Unix(PathBuf),
}

/// The PROXY header that tells the service the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProxyVersion {
    V1,
    V2,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Service {
    pub connect: Target,
    pub proxy_protocol: Option<ProxyVersion>,
}

/// All of them, by name.
pub(crate) type Services = BTreeMap<String, Service>;

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(path) => Err(format!("`{path}` is not absolute; write unix:/the/whole/path")),
            None => text.parse().map(Self::Tcp).map_err(|error: config::BadAddress| error.to_string()),
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Reads `path`; no file is no service.
pub(crate) fn read(path: &Path) -> Result<Services, ConfigError> {
    match Document::read(path, Secrecy::Public) {
        Ok(document) => from_document(&document),
        Err(error) if error.is_missing() => Ok(Services::new()),
        Err(error) => Err(error),
    }
}

fn from_document(document: &Document) -> Result<Services, ConfigError> {
    let services: Services = document.parse()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    for name in services.keys() {
        if name == PORTAL {
            let what = format!("`{PORTAL}` is the name of the built-in service");
            return Err(document.fault(&[name], what, "choose another name"));
        }
        // 255 bytes is what a preamble holds; nobody types more than 64.
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            let what = format!("`{name}` is no service name");
            return Err(document.fault(&[name], what, "use 1 to 64 of A-Z a-z 0-9 . _ -"));
        }
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Services, String> {
        let document =
            Document::from_bytes(Path::new("services.json"), text.into()).map_err(|e| e.to_string())?;
        from_document(&document).map_err(|error| error.to_string())
    }

    #[test]
    fn services_are_read_as_written() {
        let services = parse(
            r#"{ "ssh": { "connect": "127.0.0.1:22", "proxyProtocol": "v2" }, "x0": { "connect": "unix:/tmp/.X11-unix/X0" } }"#,
        )
        .unwrap();
        assert_eq!(services["ssh"].connect.to_string(), "127.0.0.1:22");
        assert_eq!(services["ssh"].proxy_protocol, Some(ProxyVersion::V2));
        assert_eq!(services["x0"].connect, Target::Unix("/tmp/.X11-unix/X0".into()));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let cases = [
            (r#"{ "portal": { "connect": "127.0.0.1:1" } }"#, "built-in service"),
            (r#"{ "a b": { "connect": "127.0.0.1:1" } }"#, "is no service name"),
            (r#"{ "a": { "connect": "unix:tmp/x" } }"#, "is not absolute"),
            (r#"{ "a": { "connect": "22" } }"#, "`22` has no port"),
            (r#"{ "a": { "conect": "x:1" } }"#, "did you mean `connect`?"),
            (r#"{ "a": { "connect": "x:1", "proxyProtocol": "v3" } }"#, "did you mean `v"),
        ];
        for (text, says) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
