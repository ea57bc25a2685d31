//! An administrator's script: opened once, looked at, and executed by what was opened, so that nobody can put another in its place
//! between the two.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::session::process::own_uid;

/// Why a script is not run.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("the job script {} cannot be opened: {source}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("the job script {} {why}", path.display())]
    NotSafe { path: PathBuf, why: &'static str },
}

pub(super) fn open(path: &Path) -> Result<File, ScriptError> {
    let fail = |source| ScriptError::Open { path: path.to_owned(), source };
    // A pipe in its place would hold us up.
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(nonblocking).open(path).map_err(fail)?;
    let seen = file.metadata().map_err(fail)?;
    let faults = [
        (!seen.is_file(), "is no file"),
        (seen.uid() != 0 && seen.uid() != own_uid(), "does not belong to root: chown root it"),
        (seen.mode() & 0o022 != 0, "can be written by others than its owner: chmod go-w it"),
        (seen.mode() & 0o111 == 0, "is not executable: chmod 755 it"),
    ];
    match faults.into_iter().find(|(found, _)| *found) {
        Some((_, why)) => Err(ScriptError::NotSafe { path: path.to_owned(), why }),
        None => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_what_root_alone_can_write_and_what_can_be_executed_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let said = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            open(&path).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(said(0o755), Ok(()));
        assert!(said(0o775).unwrap_err().contains("chmod go-w"));
        assert!(said(0o757).unwrap_err().contains("chmod go-w"));
        assert!(said(0o644).unwrap_err().contains("chmod 755"));
        assert!(open(folder.path()).unwrap_err().to_string().contains("is no file"));
        assert!(open("/dev/null".as_ref()).unwrap_err().to_string().contains("is no file"));
        if own_uid() == 0 {
            said(0o755).unwrap();
            std::os::unix::fs::chown(&path, Some(64_078), None).unwrap();
            assert!(open(&path).unwrap_err().to_string().contains("chown root"));
        }
    }
}
