//! What a gateway shows to nodes, and the key of its stateless resets.

use std::path::PathBuf;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

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
}
