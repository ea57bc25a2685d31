//! Tries to sign in wait for each other: those of one name come one after the other, so that each wrong one counts for the
//! next; and of all together only so many are looked at.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

/// Tries that are looked at at a time; with PAM each is a process.
const MOST: usize = 32;
/// Names that share a line only wait longer.
const LINES: usize = 256;
/// For a turn.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);

pub(crate) struct Turns {
    lines: Vec<Mutex<()>>,
    hash: RandomState,
    all: Semaphore,
}

/// A turn, as long as it is held.
pub(crate) struct Turn<'a> {
    _line: MutexGuard<'a, ()>,
    _permit: SemaphorePermit<'a>,
}

impl Default for Turns {
    fn default() -> Self {
        let lines = (0..LINES).map(|_| Mutex::default()).collect();
        Self { lines, hash: RandomState::new(), all: Semaphore::new(MOST) }
    }
}

impl Turns {
    /// `None`: too many were before.
    pub(crate) async fn of(&self, name: &str) -> Option<Turn<'_>> {
        let line = usize::try_from(self.hash.hash_one(name) % LINES as u64).unwrap_or_default();
        let turn = async {
            let line = self.lines[line].lock().await;
            Some(Turn { _line: line, _permit: self.all.acquire().await.ok()? })
        };
        tokio::time::timeout(WITHIN, turn).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_name_waits_for_itself_and_all_for_each_other() {
        let turns = Turns::default();
        // Never comes; how long is waited for it does not matter.
        let waits =
            || async { tokio::time::timeout(Duration::from_millis(20), turns.of("alice")).await.is_err() };
        let first = turns.of("alice").await.unwrap();
        assert!(waits().await, "while another try is looked at");
        drop(first);
        assert!(turns.of("alice").await.is_some());
        let _all = turns.all.acquire_many(u32::try_from(MOST).unwrap()).await.unwrap();
        assert!(waits().await);
    }
}
