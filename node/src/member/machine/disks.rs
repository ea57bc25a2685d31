//! File systems: how large they are, and how much is free.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::server::Disk;
use tokio::task::JoinHandle;

/// A file server that is away lets the call hang, for as long as it is away.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks in a thread of its own, and never for a second time while the first has no answer.
#[derive(Debug)]
pub(super) struct Disks {
    paths: Vec<PathBuf>,
    asked: Option<JoinHandle<Vec<Disk>>>,
    last: Vec<Disk>,
}

impl Disks {
    /// Those that matter to a server; `local` holds its own state.
    pub(super) fn new(local: &Path) -> Self {
        let paths = ["/", "/home", "/tmp"].map(PathBuf::from).into_iter().chain([local.to_owned()]).collect();
        Self { paths, asked: None, last: Vec::new() }
    }

    pub(super) async fn read(&mut self) -> Vec<Disk> {
        let paths = &self.paths;
        let asked = self.asked.get_or_insert_with(|| {
            let paths = paths.clone();
            tokio::task::spawn_blocking(move || ask(&paths))
        });
        if let Ok(answer) = tokio::time::timeout(PATIENCE, asked).await {
            self.asked = None;
            self.last = answer.unwrap_or_default();
        }
        self.last.clone()
    }
}

/// Each file system once, by the first of the paths in it.
fn ask(paths: &[PathBuf]) -> Vec<Disk> {
    let mut seen = Vec::new();
    let mut disks = Vec::new();
    for path in paths {
        let (Ok(about), Ok(space)) = (rustix::fs::stat(path), rustix::fs::statvfs(path)) else { continue };
        if !seen.contains(&about.st_dev) {
            seen.push(about.st_dev);
            let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
            let (total, free) = (bytes(space.f_blocks), bytes(space.f_bavail));
            disks.push(Disk { path: path.display().to_string(), total, free });
        }
    }
    disks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_system_is_shown_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut disks =
            Disks { paths: vec![dir.path().into(), dir.path().into()], asked: None, last: Vec::new() };
        let read = disks.read().await;
        assert_eq!(read.len(), 1);
        assert!(read[0].total > 0 && read[0].free <= read[0].total, "{read:?}");
    }
}
