//! People with a name and a password of their own on this server, for a server without PAM or a single sign-on.
//!
//! They are in `people.json` in the local folder (mode 0600, the service's). `fastx person` changes it; the portal sees a
//! change at the next request.

mod file;
mod password;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tunnel::identity::Secret;

use self::password::Hashed;
use crate::version::Version;

pub use self::file::PeopleError;

/// Longest name of a person, bytes.
const LONGEST_NAME: usize = 64;
/// One file that is read as a whole.
const MOST_PEOPLE: usize = 10_000;

/// What a person may do; the later may all that the former may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Nothing: cannot sign in, and is signed out.
    Disabled,
    /// Has own sessions.
    User,
    /// Besides, sees all sessions of this server and ends them.
    Manager,
    /// Reaches all sessions of this server.
    Admin,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Disabled => "disabled",
            Self::User => "user",
            Self::Manager => "manager",
            Self::Admin => "admin",
        })
    }
}

/// One person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    pub role: Role,
    /// The account of the machine that their sessions run as.
    pub account: String,
    password: Hashed,
    /// Anew with every password: who signed in with the one before is signed out.
    epoch: u32,
}

/// Everybody, by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    people: BTreeMap<String, Person>,
}

impl People {
    /// Nobody, if there is no file.
    pub fn read(local_dir: &Path) -> Result<Self, PeopleError> {
        file::read(&file::path(local_dir))
    }

    /// Written whole or not at all; it belongs to whom the folder belongs to.
    pub fn write(&self, local_dir: &Path) -> Result<(), PeopleError> {
        file::write(&file::path(local_dir), self)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &Person)> {
        self.people.iter()
    }

    /// Adds a person, or gives one another password, role and account.
    pub fn put(
        &mut self,
        name: &str,
        password: &Secret,
        role: Role,
        account: &str,
    ) -> Result<(), PeopleError> {
        if !is_name(name) {
            return Err(PeopleError::Name);
        }
        if password.expose().chars().count() < password::SHORTEST {
            return Err(PeopleError::Short(password::SHORTEST));
        }
        if self.people.len() >= MOST_PEOPLE && !self.people.contains_key(name) {
            return Err(PeopleError::TooMany(MOST_PEOPLE));
        }
        let password = Hashed::of(password).ok_or(PeopleError::NoRandomness)?;
        let person = Person { role, account: account.to_owned(), password, epoch: rand::random() };
        self.people.insert(name.to_owned(), person);
        Ok(())
    }

    pub fn set_role(&mut self, name: &str, role: Role) -> Result<(), PeopleError> {
        let person = self.people.get_mut(name).ok_or_else(|| PeopleError::Unknown(name.to_owned()))?;
        person.role = role;
        Ok(())
    }

    pub fn remove(&mut self, name: &str) -> Result<(), PeopleError> {
        self.people.remove(name).map(drop).ok_or_else(|| PeopleError::Unknown(name.to_owned()))
    }

    /// Who this is. Takes the same time, and says the same nothing, for a wrong password and a name that is not there.
    fn sign_in(&self, name: &str, password: &Secret) -> Option<Proof> {
        let person = self.people.get(name);
        let right = password::matches(person.map(|person| &person.password), password);
        let person = person.filter(|_| right)?;
        Some(Proof { name: name.to_owned(), epoch: person.epoch })
    }

    /// The person who signed in with this, if that still counts.
    fn who(&self, proof: &Proof) -> Option<&Person> {
        let person = self.people.get(&proof.name)?;
        (person.epoch == proof.epoch).then_some(person)
    }
}

/// What signing in leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) name: String,
    epoch: u32,
}

/// The file as it is now.
#[derive(Clone)]
pub(crate) struct Register {
    path: PathBuf,
    seen: Arc<Mutex<(Version, Arc<People>)>>,
}

impl Register {
    pub(crate) fn new(local_dir: &Path) -> Self {
        Self { path: file::path(local_dir), seen: Arc::default() }
    }

    /// Takes some 20 ms of a processor.
    pub(crate) fn sign_in(&self, name: &str, password: &Secret) -> Option<Proof> {
        self.now().sign_in(name, password)
    }

    pub(crate) fn who(&self, proof: &Proof) -> Option<Person> {
        self.now().who(proof).cloned()
    }

    /// What a person of this name may do, in whichever way they sign in.
    pub(crate) fn role(&self, name: &str) -> Option<Role> {
        self.now().people.get(name).map(|person| person.role)
    }

    /// Read again when it changed. A file that cannot be read lets nobody in.
    fn now(&self) -> Arc<People> {
        let version = Version::of(&self.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != version {
            let read = file::read(&self.path);
            if let Err(error) = &read {
                tracing::warn!(%error, "nobody can sign in by name");
            }
            *seen = (version, Arc::new(read.unwrap_or_default()));
        }
        Arc::clone(&seen.1)
    }
}

/// What accounts and mail addresses are made of.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'+');
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_ends_with_the_person_and_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let register = Register::new(folder.path());
        let (first, second) = (Secret::new("first password"), Secret::new("second password"));
        assert!(register.sign_in("alice", &first).is_none(), "there is nobody");
        let mut people = People::default();
        people.put("alice", &first, Role::User, "alice").unwrap();
        people.write(folder.path()).unwrap();
        let proof = register.sign_in("alice", &first).unwrap();
        assert_eq!(register.who(&proof).unwrap().account, "alice");
        assert!(register.sign_in("alice", &second).is_none() && register.sign_in("Alice", &first).is_none());

        people.set_role("alice", Role::Disabled).unwrap();
        people.write(folder.path()).unwrap();
        assert_eq!(register.role("alice"), Some(Role::Disabled));
        people.put("alice", &second, Role::User, "alice").unwrap();
        people.write(folder.path()).unwrap();
        assert!(register.who(&proof).is_none() && register.sign_in("alice", &second).is_some());
        people.remove("alice").unwrap();
        people.write(folder.path()).unwrap();
        assert!(register.sign_in("alice", &second).is_none());
    }

    #[test]
    fn names_and_passwords_have_their_limits() {
        let mut people = People::default();
        let password = Secret::new("long enough");
        for bad in ["", "a b", "a/b", "<b>", "a\n", &"x".repeat(65)] {
            assert!(matches!(people.put(bad, &password, Role::User, "x"), Err(PeopleError::Name)), "{bad:?}");
        }
        let short = people.put("bob", &Secret::new("ninechars"), Role::User, "x");
        assert!(matches!(short, Err(PeopleError::Short(10))));
        assert!(matches!(people.remove("bob"), Err(PeopleError::Unknown(_))));
        assert!(matches!(people.set_role("bob", Role::Admin), Err(PeopleError::Unknown(_))));
    }
}
