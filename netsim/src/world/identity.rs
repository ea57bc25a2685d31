//! Keys that follow from the seed. Ed25519, because its signatures have one length: with others a handshake would be a
//! byte longer or shorter by chance, and no run like another.

use std::io;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::Secrecy;
use tunnel::chance;

/// Of a PKCS#8 private key (RFC 8410 §7), before its 32 bytes.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// PEM.
fn key() -> String {
    let secret: [u8; 32] = chance::random();
    let der = [&PKCS8[..], &secret].concat();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(der))
}

/// PEM, as it was written.
pub(crate) fn write_key(path: &Path) -> io::Result<String> {
    let key = key();
    config::write_bytes(path, key.as_bytes(), Secrecy::OwnerOnly).map_err(io::Error::other)?;
    Ok(key)
}

/// A gateway's certificate for `name` and its key, written to two files; the certificate as PEM.
pub(crate) fn write_certificate(name: &str, certificate: &Path, key_file: &Path) -> io::Result<String> {
    let key = key();
    let pair = rcgen::KeyPair::from_pem(&key).map_err(io::Error::other)?;
    let signed = rcgen::CertificateParams::new(vec![name.to_owned()])
        .and_then(|params| params.self_signed(&pair))
        .map_err(io::Error::other)?;
    config::write_bytes(certificate, signed.pem().as_bytes(), Secrecy::Public).map_err(io::Error::other)?;
    config::write_bytes(key_file, key.as_bytes(), Secrecy::OwnerOnly).map_err(io::Error::other)?;
    Ok(signed.pem())
}
