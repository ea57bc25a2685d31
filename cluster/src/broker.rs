//! `broker.json`: how a member reaches the cluster's broker. Whoever can read it owns the cluster.
//!
//! ```json
//! { "transporterType": "nats", "host": "manager.example.org", "port": 4222, "password": "…",
//!   "rejectUnauthorized": true, "ca": "-----BEGIN CERTIFICATE-----…", "namespace": "fastx-cluster" }
//! ```
//! The connection is always TLS.

use std::path::Path;

use config::{ConfigError, Document, HostPort, Secrecy};
use serde::Deserialize;

use crate::name::Name;
use crate::secret::Secret;

/// What to connect to, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    pub kind: Kind,
    /// Tried in turn; one for Redis.
    pub servers: Vec<HostPort>,
    pub login: Login,
    pub trust: Trust,
    pub namespace: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Nats,
    Redis,
}

/// How this member shows that it may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Without a user it is NATS's token, or Redis's `requirepass`.
    Password { user: Option<String>, password: Secret },
    /// A seed, beginning with `SU`.
    Nkey(Secret),
    /// The text of a `.creds` file.
    Credentials(Secret),
}

/// How the broker's certificate is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Against these, as PEM.
    Ca(String),
    /// Against the authorities this machine trusts.
    System,
    /// Not at all (`"rejectUnauthorized": false`).
    Anybody,
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    transporter_type: Kind,
    host: Option<String>,
    port: Option<u16>,
    #[serde(default)]
    servers: Vec<HostPort>,
    user: Option<String>,
    password: Option<Secret>,
    nkey: Option<Secret>,
    credentials: Option<Secret>,
    reject_unauthorized: Option<bool>,
    ca: Option<String>,
    namespace: Name,
}

/// Reads broker.json; `None` when there is none: the server stands alone.
///
/// # Errors
/// A file that others can read, or that says something that cannot work, with the place in it and what to write instead.
pub fn read(path: &Path) -> Result<Option<Broker>, ConfigError> {
    match Document::read(path, Secrecy::OwnerOnly) {
        Ok(document) => from_document(&document).map(Some),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads what [`read`] finds in the file.
pub fn from_document(document: &Document) -> Result<Broker, ConfigError> {
    let file: File = document.parse()?;
    Ok(Broker {
        kind: file.transporter_type,
        servers: servers(document, &file)?,
        login: login(document, &file)?,
        trust: trust(document, &file)?,
        namespace: file.namespace,
    })
}

fn servers(document: &Document, file: &File) -> Result<Vec<HostPort>, ConfigError> {
    match (&file.host, file.servers.as_slice()) {
        (Some(_), [_, ..]) => {
            Err(document.fault(&["servers"], "both `host` and `servers` stand here", "keep one of them"))
        }
        (None, []) => {
            Err(document.fault(&[], "the key `host` is missing", "put \"host\": … inside these brackets"))
        }
        (None, servers) => {
            if file.port.is_some() {
                let hint = "write it behind each host in `servers`, and remove this";
                return Err(document.fault(&["port"], "`port` belongs to `host`", hint));
            }
            if file.transporter_type == Kind::Redis {
                let hint = "write `host` and `port`, or use NATS, whose servers know of each other";
                return Err(document.fault(&["servers"], "Redis has one server", hint));
            }
            Ok(servers.to_vec())
        }
        (Some(host), []) => {
            config::check_host(host).map_err(|error| document.fault(&["host"], error.to_string(), ""))?;
            let port = file.port.unwrap_or(match file.transporter_type {
                Kind::Nats => 4222,
                Kind::Redis => 6379,
            });
            if port == 0 {
                return Err(document.fault(
                    &["port"],
                    "0 is no port",
                    "use the port that the broker listens on",
                ));
            }
            Ok(vec![HostPort { host: host.clone(), port }])
        }
    }
}

fn login(document: &Document, file: &File) -> Result<Login, ConfigError> {
    if file.transporter_type == Kind::Redis {
        for (key, given) in [("nkey", file.nkey.is_some()), ("credentials", file.credentials.is_some())] {
            if given {
                return Err(document.fault(&[key], format!("Redis knows no `{key}`"), "use `password`"));
            }
        }
    }
    match (&file.password, &file.nkey, &file.credentials) {
        (Some(password), None, None) => {
            Ok(Login::Password { user: file.user.clone(), password: password.clone() })
        }
        _ if file.user.is_some() => Err(document.fault(
            &["user"],
            "`user` needs a `password`, and no other login",
            "remove it, or the others",
        )),
        (None, Some(seed), None) if seed.expose().starts_with("SU") => Ok(Login::Nkey(seed.clone())),
        (None, Some(_), None) => Err(document.fault(
            &["nkey"],
            "this is no user's NKEY seed",
            "it begins with SU; `nk -gen user` makes one",
        )),
        (None, None, Some(given)) => credentials(document, given),
        (None, None, None) => {
            let hint = "put \"password\": … inside these brackets (or `nkey` or `credentials` with NATS)";
            Err(document.fault(&[], "no login: anybody who reaches the broker would own the cluster", hint))
        }
        _ => Err(document.fault(
            &[],
            "more than one login",
            "keep one of `password`, `nkey` and `credentials`",
        )),
    }
}

/// The text itself, as `fastx manager init` writes it, or a path; a relative one starts at broker.json's folder.
fn credentials(document: &Document, given: &Secret) -> Result<Login, ConfigError> {
    if given.expose().contains("BEGIN NATS USER JWT") {
        return Ok(Login::Credentials(given.clone()));
    }
    let path = document.path().parent().unwrap_or(Path::new("")).join(given.expose());
    let bytes = config::read_bytes(&path, Secrecy::OwnerOnly)?;
    match String::from_utf8(bytes) {
        Ok(text) if text.contains("BEGIN NATS USER JWT") => Ok(Login::Credentials(Secret::new(text))),
        _ => {
            let what = format!("{} is no credentials file of NATS", path.display());
            Err(document.fault(&["credentials"], what, "`nsc generate creds` writes one"))
        }
    }
}

fn trust(document: &Document, file: &File) -> Result<Trust, ConfigError> {
    let trust = match (&file.ca, file.reject_unauthorized) {
        (_, Some(false)) => Trust::Anybody,
        (Some(pem), _) => Trust::Ca(pem.clone()),
        (None, _) => Trust::System,
    };
    if let Trust::Ca(_) = trust {
        crate::transporter::check_trust(&trust)
            .map_err(|error| document.fault(&["ca"], error, "copy broker.json from the manager again"))?;
    }
    Ok(trust)
}

#[cfg(test)]
#[path = "broker_tests.rs"]
mod tests;
