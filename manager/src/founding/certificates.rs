//! The cluster's own certificates: brokers show them to members and to each other. Nothing outside the cluster trusts
//! them, so that they may last: a certificate that ends takes the whole cluster down, on a day nobody remembers.

use config::{ConfigError, Dirs, Secrecy};
use jiff::Zoned;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// Years.
const LASTS: i16 = 30;

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error(transparent)]
    File(#[from] ConfigError),
    #[error("cannot make a certificate for {host}: {source}")]
    Make { host: String, source: rcgen::Error },
    #[error("authority.key: {0}\n  next: restore it from a backup")]
    Key(rcgen::Error),
}

/// Signs the brokers' certificates.
pub(super) struct Certifier {
    ca: String,
    key: KeyPair,
}

/// Both as PEM.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Certifier {
    /// The one that is there, or a new one; it is not written.
    pub(super) fn load_or_make(dirs: &Dirs) -> Result<Self, CertificateError> {
        match config::read_bytes(&dirs.config("authority.key"), Secrecy::OwnerOnly) {
            Ok(pem) => {
                let key = KeyPair::from_pem(&String::from_utf8_lossy(&pem)).map_err(CertificateError::Key)?;
                let ca = config::read_bytes(&dirs.config("broker/ca.pem"), Secrecy::Public)?;
                Ok(Self { ca: String::from_utf8_lossy(&ca).into_owned(), key })
            }
            Err(error) if error.is_missing() => Self::make(),
            Err(error) => Err(error.into()),
        }
    }

    fn make() -> Result<Self, CertificateError> {
        let failed = |source| CertificateError::Make { host: "the cluster".into(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let ca = authority().and_then(|params| params.self_signed(&key)).map_err(failed)?;
        Ok(Self { ca: ca.pem(), key })
    }

    /// PEM.
    pub(super) fn ca(&self) -> &str {
        &self.ca
    }

    pub(super) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// For a broker, as a server and, to the other brokers, as a client.
    pub(super) fn certificate(&self, host: &str) -> Result<Made, CertificateError> {
        let failed = |source| CertificateError::Make { host: host.to_owned(), source };
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(failed)?;
        params.distinguished_name.push(DnType::OrganizationName, "fastx");
        params.distinguished_name.push(DnType::CommonName, host);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        lasts(&mut params);
        let key = KeyPair::generate().map_err(failed)?;
        let authority = authority().map_err(failed)?;
        let certificate = params.signed_by(&key, &Issuer::new(authority, &self.key)).map_err(failed)?;
        Ok(Made { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl std::fmt::Debug for Certifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certifier")
    }
}

/// Always the same, so that it need not be read from the certificate.
fn authority() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "fastx cluster");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    lasts(&mut params);
    Ok(params)
}

/// From the year before, because clocks differ.
fn lasts(params: &mut CertificateParams) {
    let year = Zoned::now().year();
    params.not_before = date_time_ymd(i32::from(year - 1), 1, 1);
    params.not_after = date_time_ymd(i32::from(year + LASTS), 1, 1);
}
