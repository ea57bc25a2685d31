//! Who has come in, a visit: a browser holds the random id in a cookie, the server the list of them. The list is kept in a
//! file (mode 0600), so that open viewers come back by themselves when this process was restarted.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tunnel::identity::Secret;

use crate::people::Proof;

/// A working day; then a person signs in again.
pub(crate) const LASTS: Duration = Duration::from_secs(12 * 3600);
/// Browsers of one person, or with the key. When one more comes, the oldest goes.
const MOST_OF_ONE: usize = 64;
/// Of all together, likewise.
const MOST_VISITS: usize = 4096;

pub(crate) struct Visits {
    file: PathBuf,
    open: Mutex<Vec<Visit>>,
}

/// Who came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Visitor {
    /// Whoever showed the portal's key.
    KeyHolder,
    /// A person of this server's own.
    Person(Proof),
    /// Whom somebody else knows: the machine.
    Known(Known),
}

/// Who somebody is, by the word of a way to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    /// The way's id: a visit ends when the administrator takes the way away.
    pub(crate) way: String,
    pub(crate) name: String,
    /// The account of the machine that their sessions run as.
    pub(crate) account: String,
    /// Groups of the machine, as they were then; as in any program, new ones count after signing in anew.
    pub(crate) groups: Vec<String>,
}

impl Visitor {
    fn is_same(&self, other: &Self) -> bool {
        self.name() == other.name()
    }

    /// The name they signed in with.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::KeyHolder => None,
            Self::Person(proof) => Some(&proof.name),
            Self::Known(known) => Some(&known.name),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Visit {
    id: Secret,
    visitor: Visitor,
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
    pub(crate) fn add(&self, visitor: Visitor, now: SystemTime) -> std::io::Result<Secret> {
        let id = Secret::random();
        let mut open = self.lock();
        open.retain(|visit| visit.expires > seconds(now));
        let of_one = |visit: &Visit| visit.visitor.is_same(&visitor);
        let too_many = open.iter().filter(|visit| of_one(visit)).count() >= MOST_OF_ONE;
        let oldest = if too_many { open.iter().position(of_one) } else { Some(0) };
        if let Some(oldest) = oldest.filter(|_| too_many || open.len() >= MOST_VISITS) {
            open.remove(oldest);
        }
        open.push(Visit { id: id.clone(), visitor, expires: seconds(now + LASTS) });
        self.write(&open)?;
        Ok(id)
    }

    /// Whose it is. Compares with every visit, each in constant time.
    pub(crate) fn find(&self, id: &Secret, now: SystemTime) -> Option<Visitor> {
        let open = self.lock();
        let found = open.iter().filter(|visit| visit.id.matches(id) && visit.expires > seconds(now));
        found.fold(None, |_, visit| Some(visit.visitor.clone()))
    }

    /// Ends one, and writes the list to its file; blocks for that long.
    pub(crate) fn remove(&self, id: &Secret) -> std::io::Result<()> {
        let mut open = self.lock();
        open.retain(|visit| !visit.id.matches(id));
        self.write(&open)
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

pub(crate) fn seconds(time: SystemTime) -> u64 {
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
        let id = Visits::open(&file).add(Visitor::KeyHolder, now).unwrap();
        let again = Visits::open(&file);
        assert_eq!(again.find(&id, now), Some(Visitor::KeyHolder));
        assert_eq!(again.find(&Secret::random(), now), None);
        assert_eq!(again.find(&id, now + LASTS), None);
        again.remove(&id).unwrap();
        assert_eq!(Visits::open(&file).find(&id, now), None);
        std::fs::write(&file, format!(r#"[{{"id":"{}","expires":99999999999}}]"#, id.expose())).unwrap();
        assert_eq!(Visits::open(&file).find(&id, now), None, "nobody's");
    }

    #[test]
    fn the_oldest_of_the_same_person_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let visits = Visits::open(&folder.path().join("sessions.json"));
        let now = SystemTime::now();
        let proof =
            |name: &str| serde_json::from_value(serde_json::json!({ "name": name, "epoch": 1 })).unwrap();
        let alice = Visitor::Person(proof("alice"));
        let other = visits.add(Visitor::Person(proof("bob")), now).unwrap();
        let ids: Vec<_> = (0..=MOST_OF_ONE).map(|_| visits.add(alice.clone(), now).unwrap()).collect();
        assert_eq!(visits.find(&ids[0], now), None);
        assert!(ids[1..].iter().all(|id| visits.find(id, now).as_ref() == Some(&alice)));
        assert!(visits.find(&other, now).is_some());
    }
}
