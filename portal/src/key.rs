//! The portal key: who shows it may use the portal, until people have logins of their own.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tunnel::identity::Secret;

/// Shorter keys are refused: somebody wrote them by hand.
const SHORTEST_KEY: usize = 32;

/// What is wrong with the file of the portal key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot {act} {path}: {source}")]
    File { act: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{path} can be read by others: chmod 600 {path}")]
    Readable { path: PathBuf },
    #[error(
        "{path} holds no key of at least {SHORTEST_KEY} letters and digits; remove it, and a new one is made"
    )]
    Weak { path: PathBuf },
}

pub(crate) fn read_or_make(path: &Path) -> Result<Secret, KeyError> {
    let fail = |act| move |source| KeyError::File { act, path: path.to_owned(), source };
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let mode = std::fs::metadata(path).map_err(fail("read"))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(KeyError::Readable { path: path.to_owned() });
            }
            let key = text.trim();
            let strong = key.len() >= SHORTEST_KEY && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
            strong.then(|| Secret::new(key)).ok_or_else(|| KeyError::Weak { path: path.to_owned() })
        }
        Err(missing) if missing.kind() == ErrorKind::NotFound => {
            let key = Secret::random();
            let mut options = std::fs::OpenOptions::new();
            let mut file =
                options.write(true).create_new(true).mode(0o600).open(path).map_err(fail("make"))?;
            file.write_all(format!("{}\n", key.expose()).as_bytes()).map_err(fail("write"))?;
            Ok(key)
        }
        Err(source) => Err(fail("read")(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("portal-key");
        let key = read_or_make(&path).unwrap();
        assert!(read_or_make(&path).unwrap().matches(&key));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read_or_make(&path), Err(KeyError::Readable { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "letmein\n").unwrap();
        assert!(matches!(read_or_make(&path), Err(KeyError::Weak { .. })));
    }
}
