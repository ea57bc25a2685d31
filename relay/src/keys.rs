//! What a gateway shows and keeps: the certificate for nodes, the key of stateless resets, when a certificate ends.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use config::{ConfigError, Dirs, Secrecy};
use tunnel::ServerIdentity;
use tunnel::identity::IdentityError;

use crate::settings::Settings;

/// What nodes are shown, in the configuration folder; its certificate is the `ca` of gateway.json.
pub const TUNNEL_CERTIFICATE: &str = "tunnel-cert.pem";
pub const TUNNEL_KEY: &str = "tunnel-key.pem";
/// 64 random bytes in the local folder, so that a restarted gateway can tell nodes at once that it lost their tunnels.
const RESET_KEY: &str = "reset.key";

/// Why a gateway has no identity.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    File(#[from] ConfigError),
    #[error("{} does not exist; run `fastx-gateway init` first", .0.display())]
    NotInitialised(PathBuf),
    #[error("{} has {length} bytes instead of 64; remove it and it is made anew", path.display())]
    ResetKey { path: PathBuf, length: usize },
}

/// What nodes are shown. It stays the same when the certificate for browsers changes, because nodes compare it with
/// the `ca` in their gateway.json.
pub fn tunnel_identity(dirs: &Dirs, settings: &Settings) -> Result<ServerIdentity, KeysError> {
    let own = dirs.config(TUNNEL_CERTIFICATE);
    if own.exists() {
        return Ok(ServerIdentity::from_files(&own, &dirs.config(TUNNEL_KEY))?);
    }
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => Ok(ServerIdentity::from_files(certificate, key)?),
        _ => Err(KeysError::NotInitialised(own)),
    }
}

/// Reads the reset key, or makes it.
pub fn reset_key(dirs: &Dirs) -> Result<[u8; 64], KeysError> {
    let path = dirs.local(RESET_KEY);
    match std::fs::read(&path) {
        Ok(bytes) => {
            bytes.as_slice().try_into().map_err(|_| KeysError::ResetKey { path, length: bytes.len() })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 64];
            rand::fill(&mut key);
            config::write_bytes(&path, &key, Secrecy::OwnerOnly)?;
            Ok(key)
        }
        Err(source) => Err(ConfigError::Read { path, source }.into()),
    }
}

/// When a certificate file's first certificate ends.
pub fn expiry_of_file(path: &Path) -> Option<SystemTime> {
    use rustls_pki_types::pem::PemObject;
    expiry(&rustls_pki_types::CertificateDer::from_pem_file(path).ok()?)
}

/// When an X.509 certificate (DER) ends: `notAfter` of RFC 5280 §4.1.
pub fn expiry(certificate: &[u8]) -> Option<SystemTime> {
    const SEQUENCE: u8 = 0x30;
    let (tbs, _) = element(element(certificate, SEQUENCE)?.0, SEQUENCE)?;
    // The version is optional; after it come the serial number, the signature's algorithm and the issuer.
    let mut rest = element(tbs, 0xa0).map_or(tbs, |(_, rest)| rest);
    for tag in [0x02, SEQUENCE, SEQUENCE] {
        rest = element(rest, tag)?.1;
    }
    let (validity, _) = element(rest, SEQUENCE)?;
    let not_before = any_element(validity)?;
    let (tag, not_after, _) = any_element(not_before.2)?;
    time(tag, std::str::from_utf8(not_after).ok()?)
}

/// Content and rest, if the first element has this tag.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    any_element(der).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Tag, content and rest of the first element.
fn any_element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, der) = der.split_first()?;
    let (&first, der) = der.split_first()?;
    let (length, der) = match first {
        0..=0x7f => (usize::from(first), der),
        0x81..=0x84 => {
            let (bytes, der) = der.split_at_checked(usize::from(first - 0x80))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), der)
        }
        _ => return None,
    };
    let (content, rest) = der.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// UTCTime `YYMMDDHHMMSSZ` (before 2050) or GeneralizedTime `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &str) -> Option<SystemTime> {
    let text = match tag {
        0x17 => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", &text).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(folder: &Path) -> Dirs {
        Dirs { config_dir: folder.join("config"), local_dir: folder.join("local") }
    }

    #[test]
    fn the_reset_key_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let dirs = dirs(folder.path());
        let first = reset_key(&dirs).unwrap();
        assert_ne!(first, [0; 64]);
        assert_eq!(reset_key(&dirs).unwrap(), first);
        std::fs::write(dirs.local(RESET_KEY), b"short").unwrap();
        assert!(matches!(reset_key(&dirs), Err(KeysError::ResetKey { length: 5, .. })));
    }

    #[test]
    fn the_end_of_a_certificate_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, _) = ServerIdentity::self_signed(vec!["gw".into()]).unwrap();
        let path = folder.path().join("c.pem");
        std::fs::write(&path, certificate).unwrap();
        // `self_signed` ends on 2046-01-01.
        let expected = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(2_398_377_600);
        assert_eq!(expiry_of_file(&path), Some(expected));
        assert_eq!(expiry(b"\x30\x82"), None);
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let at = |tag, text| {
            time(tag, text).map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
        };
        assert_eq!(at(0x17, "700101000010Z"), Some(10));
        assert_eq!(at(0x18, "20500101000000Z"), Some(2_524_608_000));
        assert_eq!(at(0x17, "nonsense"), None);
    }
}
