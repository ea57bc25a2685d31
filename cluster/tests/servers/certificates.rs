//! An authority, and a server's certificate by it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

#[derive(Debug)]
pub struct Certificates {
    /// PEM.
    pub ca: String,
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub ca_file: PathBuf,
}

impl Certificates {
    pub fn make(folder: &Path, address: Ipv4Addr) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![address.to_string()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let made = Self {
            ca: authority.pem(),
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
            ca_file: folder.join("ca.pem"),
        };
        std::fs::write(&made.certificate, certificate.pem()).unwrap();
        std::fs::write(&made.key, key.serialize_pem()).unwrap();
        std::fs::write(&made.ca_file, &made.ca).unwrap();
        made
    }
}
