//! The TLS configurations of each side, and how it checks the other.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::peer_key::PeerKey;
use super::{ALPN_LAN, Fingerprint, IdentityError, NodeKey, ServerIdentity};

/// How a dialling node checks the gateway.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The certificates in gateway.json's `ca`, PEM.
    Ca(String),
    /// The other node's key, for connections on the LAN.
    Key(Fingerprint),
    /// `rejectUnauthorized: false`: anybody who answers is believed. Only for debugging.
    Anybody,
}

/// The one crypto provider, with AES-128-GCM first: two rounds in seven less than AES-256, and the dialler's order decides.
pub fn provider() -> Arc<CryptoProvider> {
    use std::sync::LazyLock;
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.sort_by_key(|suite| match suite.suite() {
            rustls::CipherSuite::TLS13_AES_128_GCM_SHA256 => 0,
            rustls::CipherSuite::TLS13_AES_256_GCM_SHA384 => 1,
            rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => 2,
            _ => 3,
        });
        Arc::new(provider)
    });
    PROVIDER.clone()
}

/// TLS 1.3 for a dialler: shows the node's key, checks the other side as `trust` says.
pub fn client_config(
    key: &NodeKey,
    trust: &Trust,
    alpn: &[u8],
) -> Result<rustls::ClientConfig, IdentityError> {
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let resolver = Arc::new(rustls::client::AlwaysResolvesClientRawPublicKeys::new(key.certified()?));
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Ca(pem) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|e| IdentityError::BadCa(e.to_string()))?;
                roots.add(certificate).map_err(|e| IdentityError::BadCa(e.to_string()))?;
            }
            if roots.is_empty() {
                return Err(IdentityError::BadCa("no -----BEGIN CERTIFICATE----- in it".into()));
            }
            rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
                .build()
                .map_err(|e| IdentityError::BadCa(e.to_string()))?
        }
        Trust::Key(fingerprint) => Arc::new(PeerKey { expected: Some(fingerprint.clone()), raw: true }),
        Trust::Anybody => Arc::new(PeerKey { expected: None, raw: false }),
    };
    let mut config =
        builder.dangerous().with_custom_certificate_verifier(verifier).with_client_cert_resolver(resolver);
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(config)
}

/// TLS 1.3 for an accepting gateway: asks for the node's bare key and checks that the node holds its private half.
pub fn gateway_config(
    identity: &ServerIdentity,
    alpn: &[&[u8]],
) -> Result<rustls::ServerConfig, IdentityError> {
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(PeerKey { expected: None, raw: true }))
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())?;
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// TLS 1.3 for a node's LAN listener: shows the node's own bare key. Who may come in is decided by the caller.
pub fn lan_config(key: &NodeKey) -> Result<rustls::ServerConfig, IdentityError> {
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(PeerKey { expected: None, raw: true }))
        .with_cert_resolver(Arc::new(rustls::server::AlwaysResolvesServerRawPublicKeys::new(
            key.certified()?,
        )));
    config.alpn_protocols = vec![ALPN_LAN.to_vec()];
    Ok(config)
}

/// The fingerprint of the bare key that a peer showed in the handshake.
pub fn peer_fingerprint(certificates: Option<&[CertificateDer<'_>]>) -> Option<Fingerprint> {
    certificates?.first().map(|spki| Fingerprint::of_public_key(spki))
}
