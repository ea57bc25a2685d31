//! One configuration file, read once and kept as text so that later checks can point into it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::fault::Fault;
use crate::locate::{self, Step};
use crate::{data, syntax};

/// A configuration file never exceeds this; a gateway.json with ten gateways and their certificates has 20 KiB.
const MAX_BYTES: u64 = 1024 * 1024;

/// Who may read the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Anybody.
    Public,
    /// Its owner only: it holds a token, a password or a key.
    OwnerOnly,
}

impl Secrecy {
    /// The mode a file of this kind is written with.
    pub fn mode(self) -> u32 {
        match self {
            Self::Public => 0o644,
            Self::OwnerOnly => 0o600,
        }
    }
}

/// Why a configuration file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{} has more than {most} bytes; this is not a file of ours", path.display())]
    TooLong { path: PathBuf, most: u64 },
    #[error(
        "{} holds a secret, and others can read it (mode {mode:04o}, owner uid {owner})\n  next: chmod 600 '{}'",
        path.display(), path.display()
    )]
    Exposed { path: PathBuf, mode: u32, owner: u32 },
    #[error(transparent)]
    Content(#[from] Box<Fault>),
}

impl ConfigError {
    /// Whether there is no such file, which for an optional one means its default.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == ErrorKind::NotFound)
    }
}

/// The text of a file, known to be JSON.
pub struct Document {
    path: PathBuf,
    text: String,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the text: it may hold secrets.
        write!(f, "Document({})", self.path.display())
    }
}

impl Document {
    /// Reads the file; see [`read_bytes`].
    pub fn read(path: &Path, secrecy: Secrecy) -> Result<Self, ConfigError> {
        Self::read_up_to(path, secrecy, MAX_BYTES)
    }

    /// The same for a file that a program wrote itself, and that grows with what it knows: at most `most` bytes.
    pub fn read_up_to(path: &Path, secrecy: Secrecy, most: u64) -> Result<Self, ConfigError> {
        Ok(Self::from_bytes(path, bytes_up_to(path, secrecy, most)?)?)
    }

    /// Takes `bytes` for the content of `path`.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, Box<Fault>> {
        let text = syntax::check(path, bytes)?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// The content as a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        Ok(data::parse(&self.path, &self.text)?)
    }

    /// An error about the value at `path`, for a check that no type can make: keys, and indices as digits.
    pub fn fault(&self, path: &[&str], what: impl Into<String>, hint: impl Into<String>) -> ConfigError {
        let steps: Vec<Step> = path.iter().map(|step| Step::from_text(step)).collect();
        let span = locate::find(&self.text, &steps).value;
        Box::new(Fault::new(&self.path, &self.text, span, what.into(), hint.into())).into()
    }

    /// Whether the outermost value is a list.
    pub fn is_list(&self) -> bool {
        self.text.trim_start().starts_with('[')
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads a whole file, at most 1 MiB, and refuses a secret that others can read. The mode is checked on the open
/// file, so it is the mode of the bytes that were read.
pub fn read_bytes(path: &Path, secrecy: Secrecy) -> Result<Vec<u8>, ConfigError> {
    bytes_up_to(path, secrecy, MAX_BYTES)
}

fn bytes_up_to(path: &Path, secrecy: Secrecy, most: u64) -> Result<Vec<u8>, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    if secrecy == Secrecy::OwnerOnly {
        check_mode(path, &file.metadata().map_err(failed)?)?;
    }
    let mut bytes = Vec::new();
    (&mut file).take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(ConfigError::TooLong { path: path.to_owned(), most });
    }
    Ok(bytes)
}

fn check_mode(path: &Path, metadata: &std::fs::Metadata) -> Result<(), ConfigError> {
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(ConfigError::Exposed { path: path.to_owned(), mode, owner: metadata.uid() })
}

/// Reads `path` as a `T`.
pub fn read<T: DeserializeOwned>(path: &Path, secrecy: Secrecy) -> Result<T, ConfigError> {
    Document::read(path, secrecy)?.parse()
}

/// Reads `path` as a `T`; `None` when there is no such file.
pub fn read_optional<T: DeserializeOwned>(path: &Path, secrecy: Secrecy) -> Result<Option<T>, ConfigError> {
    match read(path, secrecy) {
        Err(error) if error.is_missing() => Ok(None),
        other => other.map(Some),
    }
}

/// Takes `text` for the content of `path`.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    Document::from_bytes(path, text.as_bytes().to_vec())?.parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn with_mode(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.json");
        std::fs::write(&path, "7").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        for mode in [0o640, 0o604, 0o644, 0o660, 0o666, 0o777, 0o620, 0o602] {
            let (_dir, path) = with_mode(mode);
            let error = read::<u32>(&path, Secrecy::OwnerOnly).unwrap_err().to_string();
            assert!(error.contains(&format!("mode {mode:04o}")), "{error}");
            assert!(error.ends_with(&format!("chmod 600 '{}'", path.display())), "{error}");
            assert_eq!(read::<u32>(&path, Secrecy::Public).unwrap(), 7);
        }
        for mode in [0o600, 0o400, 0o700] {
            let (_dir, path) = with_mode(mode);
            assert_eq!(read::<u32>(&path, Secrecy::OwnerOnly).unwrap(), 7);
        }
    }

    #[test]
    fn a_missing_file_is_told_from_a_broken_one() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_optional::<u32>(&dir.path().join("none.json"), Secrecy::Public).unwrap(), None);
        assert!(read_optional::<u32>(dir.path(), Secrecy::Public).is_err(), "a folder is not a missing file");
    }

    #[test]
    fn a_huge_file_is_not_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge.json");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(read::<u32>(&path, Secrecy::Public), Err(ConfigError::TooLong { .. })));
    }

    #[test]
    fn a_later_check_points_at_the_value_it_is_about() {
        let text = b"{\n  \"services\": [\n    { \"listen\": \"0.0.0.0:22\" }\n  ]\n}".to_vec();
        let document = Document::from_bytes(Path::new("g.json"), text).unwrap();
        let error =
            document.fault(&["services", "0", "listen"], "port 22 is taken", "choose another").to_string();
        assert!(error.starts_with("g.json:3:17: port 22 is taken\n"), "{error}");
        assert!(error.contains("^^^^^^^^^^^^ choose another"), "{error}");
    }
}
