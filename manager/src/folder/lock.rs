//! The lock on a store's folder.

use std::fs::File;

/// One process has the folder while this is held.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// `None` when another process holds it.
    pub(crate) fn take(file: File) -> Option<Self> {
        file.try_lock().is_ok().then_some(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that is being started has the same file open until it runs its program.
        let _unlocked = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_it_is_dropped_though_a_child_has_the_file_open() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::create(dir.path().join(".lock")).unwrap();
        let file = open();
        let of_a_child = file.try_clone().unwrap();
        let held = Lock::take(file).unwrap();
        assert!(Lock::take(open()).is_none());
        drop(held);
        assert!(Lock::take(open()).is_some());
        drop(of_a_child);
    }
}
