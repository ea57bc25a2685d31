//! Folders and namespaces that a killed run left behind are removed by the next one.
//!
//! Each world holds a locked file in its folder; a folder whose lock is free belongs to nobody any more. The
//! namespaces of a world carry the name of its folder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::namespace;

/// A world's folder, locked as long as this lives and removed with it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

fn all() -> PathBuf {
    std::env::temp_dir().join("fastx-e2e")
}

impl Folder {
    /// A fresh folder with a name that no other run has.
    pub fn make(name: &str) -> Self {
        static SWEPT: Once = Once::new();
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        SWEPT.call_once(sweep);
        let unique = format!("{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = all().join(unique);
        std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let lock = File::create(path.join("lock")).expect("a file in a fresh folder");
        lock.lock().expect("a fresh file is free");
        Self { path, _lock: lock }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's own name: the first part of the names of its namespaces.
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).expect("made above, of UTF-8")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::env::var_os("FASTX_E2E_KEEP").is_none() {
            let _best_effort = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn sweep() {
    let Ok(folders) = std::fs::read_dir(all()) else { return };
    for folder in folders.flatten().filter(|folder| is_abandoned(&folder.path())) {
        let prefix = format!("{}-", folder.file_name().to_string_lossy());
        for name in namespaces().iter().filter(|name| name.starts_with(&prefix)) {
            namespace::remove(name);
        }
        let _best_effort = std::fs::remove_dir_all(folder.path());
    }
}

fn is_abandoned(folder: &Path) -> bool {
    // A folder without its lock file is one that is being made at this moment.
    let Ok(lock) = File::open(folder.join("lock")) else { return false };
    !matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}

fn namespaces() -> Vec<String> {
    let output =
        Command::new("ip").args(["netns", "list"]).output().expect("ip is installed (apt install iproute2)");
    let first_word = |line: &str| line.split_whitespace().next().map(str::to_owned);
    String::from_utf8_lossy(&output.stdout).lines().filter_map(first_word).collect()
}
