//! Writes a file so that it is either the old one or the new one, never half, also after a power cut.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

use crate::document::{ConfigError, Secrecy};

/// Writes `value` as indented JSON; see [`write_bytes`].
pub fn write_json<T: Serialize>(path: &Path, value: &T, secrecy: Secrecy) -> Result<(), ConfigError> {
    let failed =
        |error: serde_json::Error| ConfigError::Write { path: path.to_owned(), source: error.into() };
    let mut bytes = serde_json::to_vec_pretty(value).map_err(failed)?;
    bytes.push(b'\n');
    write_bytes(path, &bytes, secrecy)
}

/// Replaces `path` in one step. The file never exists with a wider mode than `secrecy` says, and a missing folder
/// is made, for its owner only.
pub fn write_bytes(path: &Path, bytes: &[u8], secrecy: Secrecy) -> Result<(), ConfigError> {
    replace(path, bytes, secrecy.mode())
        .map_err(|source| ConfigError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let name = path.file_name().ok_or(std::io::ErrorKind::IsADirectory)?.to_string_lossy();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let unique = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{name}.{}.{unique}", std::process::id()));
    let written = fill(&temporary, bytes, mode).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _gone_already = fs::remove_file(&temporary);
        return written;
    }
    // The rename itself is durable only once the folder is.
    File::open(folder)?.sync_all()
}

fn fill(temporary: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    // A left-over of a killed process with the same number would keep its own mode.
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(temporary)?;
    // The umask may have taken bits away.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_file_is_replaced_whole_with_its_mode_and_no_left_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/state.json");
        write_json(&path, &serde_json::json!({ "a": 1 }), Secrecy::OwnerOnly).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"a\": 1\n}\n");
        assert_eq!(mode(&path), 0o600);
        write_bytes(&path, b"2", Secrecy::Public).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        assert_eq!(mode(&path), 0o644);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir_all(path.join("inside")).unwrap();
        assert!(matches!(write_bytes(&path, b"x", Secrecy::Public), Err(ConfigError::Write { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
