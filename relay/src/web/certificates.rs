//! What clients are shown, exchanged while connections go on; a bad one never takes the place of a good one.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;
use serde::{Deserialize, Serialize};
use tunnel::ServerIdentity;
use tunnel::identity::{IdentityError, provider};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::challenge::Challenges;

/// RFC 8737.
pub const ALPN_ACME: &[u8] = b"acme-tls/1";

/// Why a certificate is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the key does not fit the certificate, or one of them is not usable: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the certificate cannot be read: {0}")]
    Unreadable(String),
    #[error("the certificate expired at {0}")]
    Expired(Timestamp),
}

/// What one certificate says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    pub names: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// For status pages: what is shown now, and why not something newer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    #[serde(flatten)]
    pub facts: Facts,
    /// The last try to take another one failed; gone with the next good one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Failure>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    pub reason: String,
    pub at: Timestamp,
}

/// The TLS configuration of the moment.
#[derive(Debug)]
pub struct Certificates {
    clients: ArcSwap<ServerConfig>,
    /// Kept over changes of the certificate, so that clients resume their TLS sessions.
    tickets: Arc<dyn ProducesTickets>,
    status: Mutex<Status>,
    challenges: Challenges,
}

impl Certificates {
    /// Begins with `identity`.
    pub fn new(identity: &ServerIdentity) -> Result<Self, CertificateError> {
        let tickets = Ticketer::new()?;
        let (config, facts) = check(identity, &tickets)?;
        Ok(Self {
            clients: ArcSwap::from_pointee(config),
            tickets,
            status: Mutex::new(Status { facts, problem: None }),
            challenges: Challenges::new()?,
        })
    }

    /// TLS 1.2 or newer, HTTP/2 or HTTP/1.1.
    pub fn for_clients(&self) -> Arc<ServerConfig> {
        self.clients.load_full()
    }

    /// Shows an ACME authority what it asked for.
    pub fn for_authority(&self) -> Arc<ServerConfig> {
        self.challenges.config()
    }

    pub fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    /// Takes another certificate for handshakes from now on, if it is good.
    pub fn replace(&self, identity: &ServerIdentity) -> Result<(), CertificateError> {
        let checked = check(identity, &self.tickets);
        self.noted(checked.map(|(config, facts)| {
            self.clients.store(Arc::new(config));
            facts
        }))
    }

    /// Reads the files again.
    pub fn load(&self, certificate: &Path, key: &Path) -> Result<(), CertificateError> {
        match ServerIdentity::from_files(certificate, key) {
            Ok(identity) => self.replace(&identity),
            Err(error) => self.noted(Err(error.into())),
        }
    }

    /// Notes why there is no newer certificate.
    pub fn failed(&self, reason: String) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.problem = Some(Failure { reason, at: Timestamp::now() });
    }

    pub fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn noted(&self, taken: Result<Facts, CertificateError>) -> Result<(), CertificateError> {
        match taken {
            Ok(facts) => {
                *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Status { facts, problem: None };
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the certificate is kept as it was");
                self.failed(error.to_string());
                Err(error)
            }
        }
    }
}

fn check(
    identity: &ServerIdentity,
    tickets: &Arc<dyn ProducesTickets>,
) -> Result<(ServerConfig, Facts), CertificateError> {
    let facts = facts(identity)?;
    if facts.not_after <= Timestamp::now() {
        return Err(CertificateError::Expired(facts.not_after));
    }
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = tickets.clone();
    Ok((config, facts))
}

/// Reads the first certificate of the chain.
pub fn facts(identity: &ServerIdentity) -> Result<Facts, CertificateError> {
    let unreadable = |error: String| CertificateError::Unreadable(error);
    let der = identity.chain.first().ok_or_else(|| unreadable("there is none".into()))?;
    let (_, certificate) = X509Certificate::from_der(der).map_err(|e| unreadable(e.to_string()))?;
    let validity = certificate.validity();
    let time = |seconds| Timestamp::from_second(seconds).map_err(|e| unreadable(e.to_string()));
    let names = certificate.subject_alternative_name().map_err(|e| unreadable(e.to_string()))?;
    let names = names.map_or(&[][..], |names| &names.value.general_names).iter().filter_map(name);
    Ok(Facts {
        names: names.collect(),
        not_before: time(validity.not_before.timestamp())?,
        not_after: time(validity.not_after.timestamp())?,
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress([a, b, c, d]) => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
        GeneralName::IPAddress(bytes) => {
            <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}
