//! `people.json`.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use config::Secrecy;

use super::People;

/// Why the list of people cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}: {source}; it belongs to the service's account: try with sudo")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{path} can be read by others: chmod 600 {path}")]
    Readable { path: PathBuf },
    #[error("{path} is damaged: {source}; mend it, or remove it and add everybody anew")]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("a name has 1 to {} letters, digits and . _ - @ +", super::LONGEST_NAME)]
    Name,
    #[error("a password has at least {0} characters")]
    Short(usize),
    #[error("there are {0} people already; more belong into a directory service")]
    TooMany(usize),
    #[error("there is no person `{0}`; `fastx person list` shows who there is")]
    Unknown(String),
    #[error("this machine gives no random numbers")]
    NoRandomness,
}

pub(super) fn path(local_dir: &Path) -> PathBuf {
    local_dir.join("people.json")
}

pub(super) fn read(path: &Path) -> Result<People, PeopleError> {
    let fail = |source| PeopleError::Read { path: path.to_owned(), source };
    let json = match std::fs::read(path) {
        Ok(json) => json,
        Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(People::default()),
        Err(source) => return Err(fail(source)),
    };
    if std::fs::metadata(path).map_err(fail)?.permissions().mode() & 0o077 != 0 {
        return Err(PeopleError::Readable { path: path.to_owned() });
    }
    serde_json::from_slice(&json).map_err(|source| PeopleError::Damaged { path: path.to_owned(), source })
}

pub(super) fn write(path: &Path, people: &People) -> Result<(), PeopleError> {
    let fail = |source| PeopleError::Write { path: path.to_owned(), source };
    let json = serde_json::to_vec_pretty(people).expect("strings and numbers only");
    config::write_bytes(path, &json, Secrecy::OwnerOnly)
        .map_err(|error| fail(std::io::Error::other(error)))?;
    // Root writes for a service that is not root.
    let folder = path.parent().unwrap_or(Path::new("."));
    let owner = std::fs::metadata(folder).map_err(fail)?;
    if owner.uid() != std::fs::metadata(path).map_err(fail)?.uid() {
        chown(path, Some(owner.uid()), Some(owner.gid())).map_err(fail)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_read_or_that_is_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path());
        assert!(read(&path).unwrap().people.is_empty(), "no file, nobody");
        write(&path, &People::default()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(read(&path).is_ok());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(&path), Err(PeopleError::Readable { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        for bad in ["", "{", r#"{"people":{"a":{"role":"god"}}}"#, r#"{"people":{},"more":1}"#] {
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(read(&path), Err(PeopleError::Damaged { .. })), "{bad}");
        }
    }
}
