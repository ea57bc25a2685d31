//! Who has shown the key, a visit: a browser holds the random id in a cookie, the server the list of them. The list is kept in a
//! file (mode 0600), so that open viewers come back by themselves when this process was restarted.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tunnel::identity::Secret;

/// A working day; then the key is asked for again.
pub(crate) const LASTS: Duration = Duration::from_secs(12 * 3600);
/// When one more is opened, the oldest goes.
const MOST_VISITS: usize = 64;

pub(crate) struct Visits {
    file: PathBuf,
    open: Mutex<Vec<Visit>>,
}

#[derive(Serialize, Deserialize)]
struct Visit {
    id: Secret,
    /// Seconds since 1970.
    expires: u64,
}

impl Visits {
    /// A file that is missing or damaged means: nobody has come in yet.
    pub(crate) fn open(file: &Path) -> Self {
        let open = std::fs::read(file).ok().and_then(|json| serde_json::from_slice(&json).ok());
        Self { file: file.to_owned(), open: Mutex::new(open.unwrap_or_default()) }
    }

    /// Opens a visit and writes the list to its file; blocks for that long.
    pub(crate) fn add(&self, now: SystemTime) -> std::io::Result<Secret> {
        let id = Secret::random();
        let mut open = self.lock();
        open.retain(|visit| visit.expires > seconds(now));
        if open.len() >= MOST_VISITS {
            open.remove(0);
        }
        open.push(Visit { id: id.clone(), expires: seconds(now + LASTS) });
        self.write(&open)?;
        Ok(id)
    }

    /// Compares with every visit, each in constant time.
    pub(crate) fn holds(&self, id: &Secret, now: SystemTime) -> bool {
        let open = self.lock();
        open.iter().filter(|visit| visit.id.matches(id) && visit.expires > seconds(now)).count() > 0
    }

    fn write(&self, open: &[Visit]) -> std::io::Result<()> {
        let new = self.file.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(open).expect("strings and numbers only"))?;
        std::fs::rename(&new, &self.file)
    }

    /// A panic elsewhere leaves the list whole: every change is one push or removal.
    fn lock(&self) -> MutexGuard<'_, Vec<Visit>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_outlive_a_restart_but_not_their_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.json");
        let now = SystemTime::now();
        let id = Visits::open(&file).add(now).unwrap();
        let again = Visits::open(&file);
        assert!(again.holds(&id, now));
        assert!(!again.holds(&Secret::random(), now));
        assert!(!again.holds(&id, now + LASTS));
    }

    #[test]
    fn the_oldest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let visits = Visits::open(&folder.path().join("sessions.json"));
        let now = SystemTime::now();
        let ids: Vec<_> = (0..=MOST_VISITS).map(|_| visits.add(now).unwrap()).collect();
        assert!(!visits.holds(&ids[0], now));
        assert!(ids[1..].iter().all(|id| visits.holds(id, now)));
    }
}
