//! Who is who: server ids, the key of a node, the TLS configurations, and the protocol names that tell connections
//! on one port apart.
//!
//! A gateway shows a certificate, which the node checks against `ca` in gateway.json. A node shows a bare public key
//! (RFC 7250): it has a key, not a name that somebody signed. The key is bound to the server id at the first hello.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use serde::{Deserialize, Serialize};

/// QUIC connection, or TLS control connection, of a node's tunnel.
pub const ALPN_TUNNEL: &[u8] = b"fastx-tunnel/1";
/// TLS data connection that belongs to a tunnel.
pub const ALPN_DATA: &[u8] = b"fastx-data/1";
/// TLS connection between two nodes on a LAN.
pub const ALPN_LAN: &[u8] = b"fastx-lan/1";

/// Name of a server in its cluster: 1 to 64 of `A-Z a-z 0-9 . _ -`, so that it can stand in a path and a cookie.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerId(Arc<str>);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a server id: use 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit")]
pub struct BadServerId(String);

impl ServerId {
    pub fn new(id: &str) -> Result<Self, BadServerId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let starts_well = id.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if id.len() > 64 || !starts_well || !id.bytes().all(allowed) {
            return Err(BadServerId(id.chars().take(80).collect()));
        }
        Ok(Self(id.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ServerId {
    type Error = BadServerId;
    fn try_from(id: String) -> Result<Self, BadServerId> {
        Self::new(&id)
    }
}

impl From<ServerId> for String {
    fn from(id: ServerId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl std::fmt::Display for ServerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for ServerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A string that must not be shown: prints as `[redacted]`, compares in constant time.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// 256 random bits, hexadecimal.
    pub fn random() -> Self {
        Self(hex(&rand::random::<[u8; 32]>()))
    }

    /// For writing it to a file; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, other: &Self) -> bool {
        aws_lc_rs_constant_time(self.0.as_bytes(), other.0.as_bytes())
    }
}

fn aws_lc_rs_constant_time(a: &[u8], b: &[u8]) -> bool {
    ::aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _infallible = write!(out, "{byte:02x}");
        out
    })
}

/// SHA-256 of a node's public key, printed as `sha256:…`; what a server id is bound to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub fn of_public_key(spki: &[u8]) -> Self {
        let digest = ::aws_lc_rs::digest::digest(&::aws_lc_rs::digest::SHA256, spki);
        Self(format!("sha256:{}", hex(digest.as_ref())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

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

    fn certified(&self) -> Result<Arc<rustls::sign::CertifiedKey>, IdentityError> {
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

/// Accepts a bare key (or, with `raw: false`, any certificate), optionally only one; the handshake's signature is
/// checked in any case, so a peer must hold the private half.
#[derive(Debug)]
struct PeerKey {
    expected: Option<Fingerprint>,
    raw: bool,
}

impl PeerKey {
    fn check(&self, shown: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        match &self.expected {
            Some(expected) if *expected != Fingerprint::of_public_key(shown) => {
                Err(rustls::CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(()),
        }
    }

    fn verify(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &provider().signature_verification_algorithms;
        if self.raw {
            let spki = SubjectPublicKeyInfoDer::from(cert.as_ref());
            rustls::crypto::verify_tls13_signature_with_raw_key(message, &spki, dss, algorithms)
        } else {
            rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
        }
    }

    fn tls12() -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered))
    }
}

impl ServerCertVerifier for PeerKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Self::tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.raw
    }
}

impl ClientCertVerifier for PeerKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Self::tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.raw
    }
}
