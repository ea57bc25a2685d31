//! What the programs of a session write on their standard error.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A program that complains without end does not fill the disk: beyond this the log begins anew.
const LARGEST: u64 = 8 * 1024 * 1024;

/// The last bytes, at most `most`; what is no text is replaced.
pub(super) fn tail(path: &Path, most: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Empties a log that is too long. All who write to it append, so that they go on at its beginning.
pub(super) fn bound(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > LARGEST) {
        let emptied = File::options().write(true).open(path).and_then(|file| file.set_len(0));
        if let Err(error) = emptied {
            tracing::warn!(%error, "the log of a session is too long, and cannot be emptied");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_end_is_kept_and_too_much_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, b"first\nl\xffst\n").unwrap();
        assert_eq!(tail(&path, 5).unwrap(), "l\u{fffd}st\n");
        let mut writer = File::options().append(true).open(&path).unwrap();
        writer.write_all(&vec![b'x'; usize::try_from(LARGEST).unwrap()]).unwrap();
        bound(&path);
        writer.write_all(b"again\n").unwrap();
        assert_eq!(tail(&path, 100).unwrap(), "again\n");
    }
}
