//! Tells one state of a file from the next: every change puts another file in its place.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The default is that of a file that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version(Option<(u64, i64, i64, u64)>);

impl Version {
    pub(crate) fn of(path: &Path) -> Self {
        let metadata = std::fs::metadata(path).ok();
        Self(metadata.map(|is| (is.ino(), is.ctime(), is.ctime_nsec(), is.size())))
    }
}
