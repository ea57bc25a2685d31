//! gateway-server.json, as its final types.

mod check;
mod cidr;
mod limits;

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{ConfigError, Dirs, Document, HostPort, ListenAddr, Secrecy};
use serde::{Deserialize, Serialize};
use tunnel::{Secret, ServerId};

pub use cidr::Cidr;
pub use limits::Limits;

/// Name of the file in the configuration folder.
pub const FILE: &str = "gateway-server.json";

/// What an administrator decides about a gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Clients (TCP) and nodes (UDP and TCP) come in here; `[::]:443` is IPv6 and IPv4.
    pub listen: ListenAddr,
    /// The name under which clients and nodes know this gateway.
    pub host: String,
    /// Nodes of another namespace are refused.
    #[serde(default)]
    pub namespace: String,
    /// Admits a node that was not seen before.
    pub token: Secret,
    /// What browsers are shown, PEM; without it and without `acme`, what nodes are shown: a self-signed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acme: Option<Acme>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// Load balancers that are believed when they name the client in a PROXY header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxy_protocol_from: Vec<Cidr>,
    /// Proxies that open TLS in front, and are believed when they name the client in `X-Forwarded-For`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<Cidr>,
    #[serde(default, skip_serializing_if = "Limits::is_default")]
    pub limits: Limits,
    /// Loopback address for `/livez`, `/readyz` and `/metrics`; the admin socket has them in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<ListenAddr>,
    /// How long open streams may go on when the gateway ends.
    #[serde(default = "default_drain", with = "config::duration")]
    pub drain: Duration,
}

/// Certificates from an ACME authority, such as Let's Encrypt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acme {
    pub domains: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// URL of the authority's directory; Let's Encrypt without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// PEM of the authority's own root, for one inside a site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// A TCP port of the gateway and where its connections go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    pub listen: ListenAddr,
    /// A name in the nodes' services.json.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Which node has it; any one that offers it without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Target>,
    /// Instead of a service: the plaintext address to relay to, without a tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<HostPort>,
    /// Peers in `proxyProtocolFrom` begin with a PROXY header.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proxy_protocol: bool,
}

/// `"any"`, or one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ServerId", into = "String")]
pub enum Target {
    Any,
    Server(ServerId),
}

impl From<ServerId> for Target {
    fn from(id: ServerId) -> Self {
        if id.as_str() == "any" { Self::Any } else { Self::Server(id) }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        match target {
            Target::Any => "any".into(),
            Target::Server(id) => id.into(),
        }
    }
}

impl Target {
    pub fn server(&self) -> Option<&ServerId> {
        match self {
            Self::Any => None,
            Self::Server(id) => Some(id),
        }
    }
}

/// Downloads of some hundred megabytes finish; who waits for a restart does not wait too long.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(30);

fn default_drain() -> Duration {
    DEFAULT_DRAIN
}

impl Settings {
    /// Reads and checks the file in `dirs`; paths in it become absolute, against the configuration folder.
    pub fn read(dirs: &Dirs) -> Result<Self, ConfigError> {
        let document = Document::read(&dirs.config(FILE), Secrecy::OwnerOnly)?;
        let mut settings: Self = document.parse()?;
        check::check(&settings, &document)?;
        settings.resolve(&dirs.config_dir);
        Ok(settings)
    }

    fn resolve(&mut self, folder: &Path) {
        let acme = self.acme.as_mut().and_then(|acme| acme.ca_file.as_mut());
        for path in [self.certificate.as_mut(), self.key.as_mut(), acme].into_iter().flatten() {
            *path = folder.join(&path);
        }
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.service, &self.connect, self.server.as_ref().and_then(Target::server)) {
            (_, Some(connect), _) => write!(f, "{connect}"),
            (name, None, Some(server)) => write!(f, "{} of {server}", name.as_deref().unwrap_or_default()),
            (name, None, None) => write!(f, "{} of any server", name.as_deref().unwrap_or_default()),
        }
    }
}
