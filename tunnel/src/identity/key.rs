//! The key of a node, and the certificate of a gateway.

use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{Fingerprint, provider};

/// What went wrong with a key or certificate.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("cannot make a key: {0}")]
    Make(#[from] rcgen::Error),
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: rustls_pki_types::pem::Error },
    #[error("{path} holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----")]
    NoCertificate { path: String },
    #[error("the key or certificate is not usable: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the `ca` holds no usable certificate: {0}")]
    BadCa(String),
}

/// A node's own key pair. It is made on the node and never leaves it.
pub struct NodeKey {
    pair: rcgen::KeyPair,
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeKey({})", self.fingerprint())
    }
}

impl NodeKey {
    pub fn generate() -> Result<Self, IdentityError> {
        Ok(Self { pair: rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)? })
    }

    pub fn from_pem(pem: &str) -> Result<Self, IdentityError> {
        Ok(Self { pair: rcgen::KeyPair::from_pem(pem)? })
    }

    pub fn to_pem(&self) -> String {
        self.pair.serialize_pem()
    }

    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_public_key(&self.public_key())
    }

    fn public_key(&self) -> Vec<u8> {
        rcgen::PublicKeyData::subject_public_key_info(&self.pair)
    }

    pub(super) fn certified(&self) -> Result<Arc<rustls::sign::CertifiedKey>, IdentityError> {
        let der = PrivateKeyDer::try_from(self.pair.serialize_der())
            .map_err(|e| rustls::Error::General(e.into()))?;
        let signing = provider().key_provider.load_private_key(der)?;
        let spki = CertificateDer::from(self.public_key());
        Ok(Arc::new(rustls::sign::CertifiedKey::new(vec![spki], signing)))
    }
}

/// A certificate chain with its private key, as a server shows it.
pub struct ServerIdentity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl std::fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerIdentity({} certificates)", self.chain.len())
    }
}

impl Clone for ServerIdentity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

impl ServerIdentity {
    /// A self-signed certificate for `names`, and its key: both as PEM.
    pub fn self_signed(names: Vec<String>) -> Result<(String, String), IdentityError> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = rcgen::CertificateParams::new(names.clone())?;
        params.distinguished_name.push(rcgen::DnType::CommonName, names.first().map_or("gateway", |n| n));
        params.not_after = rcgen::date_time_ymd(2046, 1, 1);
        let certificate = params.self_signed(&pair)?;
        Ok((certificate.pem(), pair.serialize_pem()))
    }

    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, IdentityError> {
        let read = |path: &Path| {
            let path = path.display().to_string();
            move |source| IdentityError::Read { path, source }
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(read(certificate))?;
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate { path: certificate.display().to_string() });
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(read(key))?;
        Ok(Self { chain, key })
    }
}
