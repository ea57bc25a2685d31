//! Answers to an ACME authority's TLS-ALPN-01 challenges (RFC 8737).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivateKeyDer;
use tunnel::identity::provider;

use super::certificates::ALPN_ACME;

/// The answers of the moment, by domain.
#[derive(Clone, Debug)]
pub struct Challenges {
    answers: Answers,
    config: Arc<ServerConfig>,
}

#[derive(Clone, Debug, Default)]
struct Answers(Arc<Mutex<HashMap<String, Arc<CertifiedKey>>>>);

/// An answer; it is withdrawn when this is dropped.
#[derive(Debug)]
pub struct Answering {
    answers: Answers,
    domain: String,
}

/// Why no answer could be made.
#[derive(Debug, thiserror::Error)]
pub enum ChallengeError {
    #[error("cannot make a certificate for the challenge: {0}")]
    Make(#[from] rcgen::Error),
    #[error("cannot use it: {0}")]
    Use(#[from] rustls::Error),
}

impl Challenges {
    pub fn new() -> Result<Self, rustls::Error> {
        let answers = Answers::default();
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(answers.clone()));
        config.alpn_protocols = vec![ALPN_ACME.to_vec()];
        Ok(Self { answers, config: Arc::new(config) })
    }

    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Answers for `domain` with `digest`, the SHA-256 of the key authorization.
    pub fn answer(&self, domain: &str, digest: &[u8]) -> Result<Answering, ChallengeError> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = rcgen::CertificateParams::new(vec![domain.to_owned()])?;
        params.custom_extensions = vec![rcgen::CustomExtension::new_acme_identifier(digest)];
        let certificate = params.self_signed(&pair)?;
        let der =
            PrivateKeyDer::try_from(pair.serialize_der()).map_err(|e| rustls::Error::General(e.into()))?;
        let key = provider().key_provider.load_private_key(der)?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key));
        self.answers.lock().insert(domain.to_owned(), certified);
        Ok(Answering { answers: self.answers.clone(), domain: domain.to_owned() })
    }
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Answers {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.lock().get(hello.server_name()?).cloned()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.answers.lock().remove(&self.domain);
    }
}
