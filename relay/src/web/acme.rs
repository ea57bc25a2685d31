//! Certificates from an ACME authority: got when there is none, renewed at two thirds of their life.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::{ConfigError, Secrecy};
use instant_acme::{
    Account, AccountBuilder, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, LetsEncrypt,
    NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tunnel::ServerIdentity;

use super::certificates::{CertificateError, Certificates, Facts, facts};
use super::challenge::{Answering, ChallengeError};
use super::schedule::{back_off, until_due};
use crate::settings::Acme;

/// An order that takes longer has failed.
const ORDER: Duration = Duration::from_secs(300);
/// An authority checks within seconds.
const POLLS: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));
/// The clock is looked at this often at least: it may be set, and machines sleep.
const LOOK: Duration = Duration::from_secs(3600);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    #[error("the ACME authority: {0}")]
    Authority(#[from] instant_acme::Error),
    #[error("the authority offers no TLS-ALPN-01 challenge for {0}")]
    NoChallenge(String),
    #[error("the order ended as {0:?}")]
    Order(OrderStatus),
    #[error(transparent)]
    Challenge(#[from] ChallengeError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    File(#[from] ConfigError),
    #[error("account.json: {0}")]
    Account(#[from] serde_json::Error),
    #[error("cannot make a key: {0}")]
    Key(#[from] rcgen::Error),
    #[error("no certificate within {ORDER:?}")]
    Timeout,
}

/// An account, bound to the authority it was made at.
#[derive(Serialize, Deserialize)]
struct Saved {
    directory: String,
    credentials: AccountCredentials,
}

/// Gets certificates and keeps them new.
#[derive(Debug)]
pub struct Renewal {
    settings: Acme,
    /// Holds `account.json` and `certificate.pem` (chain and key), both for the owner only.
    folder: PathBuf,
}

impl Renewal {
    pub fn new(settings: Acme, folder: PathBuf) -> Self {
        Self { settings, folder }
    }

    /// The certificate of an earlier run, if it still serves.
    fn saved(&self) -> Option<(ServerIdentity, Facts)> {
        let path = self.folder.join("certificate.pem");
        let identity = ServerIdentity::from_files(&path, &path).ok()?;
        let facts = facts(&identity).ok()?;
        let covers = self.settings.domains.iter().all(|domain| facts.names.contains(domain));
        (covers && facts.not_after > Timestamp::now()).then_some((identity, facts))
    }

    /// Keeps `certificates` new, for ever.
    pub async fn keep(self, certificates: Arc<Certificates>) {
        let jitter = rand::random::<f64>();
        let saved = self.saved().filter(|(identity, _)| certificates.replace(identity).is_ok());
        let mut current = saved.map(|(_, facts)| facts);
        let mut failures = 0;
        loop {
            let due =
                current.as_ref().map_or(Duration::ZERO, |facts| until_due(facts, Timestamp::now(), jitter));
            if failures > 0 {
                tokio::time::sleep(back_off(failures, jitter)).await;
            } else if due > Duration::ZERO {
                tokio::time::sleep(due.min(LOOK)).await;
                continue;
            }
            let renewed = tokio::time::timeout(ORDER, self.renew(&certificates)).await;
            match renewed.unwrap_or(Err(AcmeError::Timeout)) {
                Ok(facts) => {
                    tracing::info!(domains = ?self.settings.domains, until = %facts.not_after, "new certificate");
                    (current, failures) = (Some(facts), 0);
                }
                Err(error) => {
                    failures += 1;
                    let next = back_off(failures, jitter);
                    tracing::error!(%error, "no new certificate; trying again in {next:?}");
                    certificates.failed(error.to_string());
                }
            }
        }
    }

    async fn renew(&self, certificates: &Certificates) -> Result<Facts, AcmeError> {
        let account = self.account().await?;
        let names: Vec<Identifier> = self.settings.domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        let answering = prove(&mut order, certificates).await?;
        let ready = order.poll_ready(&POLLS).await?;
        drop(answering);
        if ready != OrderStatus::Ready {
            return Err(AcmeError::Order(ready));
        }
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = rcgen::CertificateParams::new(self.settings.domains.clone())?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        order.finalize_csr(params.serialize_request(&pair)?.der()).await?;
        let chain = order.poll_certificate(&POLLS).await?;
        let path = self.folder.join("certificate.pem");
        let pem = format!("{chain}\n{}", pair.serialize_pem());
        config::write_bytes(&path, pem.as_bytes(), Secrecy::OwnerOnly)?;
        certificates.load(&path, &path)?;
        Ok(certificates.status().facts)
    }

    async fn account(&self) -> Result<Account, AcmeError> {
        let path = self.folder.join("account.json");
        let directory = self.directory();
        if let Ok(bytes) = std::fs::read(&path) {
            let saved: Saved = serde_json::from_slice(&bytes)?;
            if saved.directory == directory {
                return Ok(self.builder()?.from_credentials(saved.credentials).await?);
            }
        }
        let contact = self.settings.email.as_ref().map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = self.builder()?.create(&new, directory.clone(), None).await?;
        config::write_json(&path, &Saved { directory, credentials }, Secrecy::OwnerOnly)?;
        Ok(account)
    }

    fn directory(&self) -> String {
        self.settings.directory.clone().unwrap_or_else(|| LetsEncrypt::Production.url().to_owned())
    }

    fn builder(&self) -> Result<AccountBuilder, instant_acme::Error> {
        self.settings.ca_file.as_ref().map_or_else(Account::builder, Account::builder_with_root)
    }
}

/// Puts an answer to each challenge in place and tells the authority to look.
async fn prove(order: &mut Order, certificates: &Certificates) -> Result<Vec<Answering>, AcmeError> {
    let mut answering = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let domain = authorization.identifier().to_string();
        let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
        let mut challenge = challenge.ok_or_else(|| AcmeError::NoChallenge(domain.clone()))?;
        let digest = challenge.key_authorization().digest();
        answering.push(certificates.challenges().answer(&domain, digest.as_ref())?);
        challenge.set_ready().await?;
    }
    Ok(answering)
}
