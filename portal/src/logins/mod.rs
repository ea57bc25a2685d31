//! In which ways people sign in on this server, and what they may do: what an administrator decided.

mod file;
mod provider;
mod sshd;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use config::{ConfigError, Secrecy};

use self::file::{File, Roles};
use crate::version::Version;

pub(crate) use self::file::Way;
pub(crate) use self::provider::{Address, Provider};
pub(crate) use self::sshd::Sshd;

/// Where PAM has a program's rules: the administrator's, and those of packages.
const PAM_RULES: [&str; 2] = ["/etc/pam.d/fastx", "/usr/lib/pam.d/fastx"];

/// What counts now: `logins.json` as it was when last it could be read.
pub struct Logins {
    path: Option<PathBuf>,
    /// The program `fastx`.
    pub(crate) program: PathBuf,
    usual: Vec<Way>,
    seen: Mutex<(Version, Arc<Rules>)>,
}

/// One state of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) ways: Vec<Way>,
    pub(crate) roles: Roles,
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logins").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Rules {
    /// The way that is called so.
    pub(crate) fn way(&self, id: &str) -> Option<&Way> {
        self.ways.iter().find(|way| way.id() == id)
    }
}

impl Logins {
    /// Only people of this server's own, and no file.
    pub fn own_people() -> Self {
        let usual = vec![Way::Password { label: None }];
        let rules = Rules { ways: usual.clone(), roles: Roles::default() };
        Self {
            path: None,
            program: PathBuf::new(),
            usual,
            seen: Mutex::new((Version::default(), rules.into())),
        }
    }

    /// `config_dir/logins.json`; without it, people of this server's own, and accounts of the machine if the service is
    /// root and PAM has rules for it. `program`: `fastx` itself, which is also the launcher.
    pub fn open(config_dir: &Path, program: PathBuf) -> Result<Self, ConfigError> {
        let path = config_dir.join("logins.json");
        let is_root = rustix::process::geteuid().is_root();
        let pam = PAM_RULES.iter().any(|path| Path::new(path).exists()).then(Way::pam).filter(|_| is_root);
        let usual: Vec<Way> = [Way::Password { label: None }].into_iter().chain(pam).collect();
        let version = Version::of(&path);
        let rules = read(&path, &usual)?;
        Ok(Self { path: Some(path), program, usual, seen: Mutex::new((version, Arc::new(rules))) })
    }

    /// How the launcher is started: a service that is not root needs a rule of sudo(8) for exactly this.
    pub(crate) fn launcher(&self) -> Vec<OsString> {
        let sudo = ["sudo", "-n", "--"].map(OsString::from);
        let is_root = rustix::process::geteuid().is_root();
        let words = [self.program.clone().into(), "launcher".into()];
        sudo.into_iter().filter(|_| !is_root).chain(words).collect()
    }

    /// Read again when it changed. A file with a mistake changes nothing, and is logged.
    pub(crate) fn now(&self) -> Arc<Rules> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = &self.path else { return Arc::clone(&seen.1) };
        let version = Version::of(path);
        if seen.0 != version {
            seen.0 = version;
            match read(path, &self.usual) {
                Ok(rules) => seen.1 = Arc::new(rules),
                Err(error) => tracing::error!("people sign in as before, because of a mistake: {error}"),
            }
        }
        Arc::clone(&seen.1)
    }
}

fn read(path: &Path, usual: &[Way]) -> Result<Rules, ConfigError> {
    let file: File = config::read_optional(path, Secrecy::Public)?.unwrap_or_default();
    let ways = file.ways.unwrap_or_else(|| usual.to_vec());
    Ok(Rules { ways, roles: file.roles })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(logins: &Logins) -> Vec<String> {
        logins.now().ways.iter().map(Way::id).collect()
    }

    #[test]
    fn a_change_counts_at_once_and_a_mistake_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logins.json");
        let logins = Logins::open(folder.path(), PathBuf::new()).unwrap();
        assert_eq!(ids(&logins)[0], "password");
        config::write_bytes(&path, br#"{ "ways": [{ "type": "pam" }] }"#, Secrecy::Public).unwrap();
        assert_eq!(ids(&logins), ["pam"]);
        config::write_bytes(&path, br#"{ "ways": [{ "type": "pma" }] }"#, Secrecy::Public).unwrap();
        assert_eq!(ids(&logins), ["pam"]);
        assert!(Logins::open(folder.path(), PathBuf::new()).is_err(), "nor does a service start with one");
        config::write_bytes(&path, br#"{ "ways": [] }"#, Secrecy::Public).unwrap();
        assert!(ids(&logins).is_empty(), "only the portal's key is left");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(ids(&logins)[0], "password");
    }
}
