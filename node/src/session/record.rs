//! What is on disk about a session: `session.json`, `log`, and the private folder `run` with its socket and cookie.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use cluster::session::{Session, SessionId};
use serde::{Deserialize, Serialize};

use super::SessionError;
use super::account::Account;
use super::process::{Leader, boot, own_uid};

/// `session.json`. It belongs to the service: its user could otherwise name any process as one to be ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) session: Session,
    pub(super) processes: Vec<Leader>,
    /// The run of the machine that the processes are of.
    pub(super) boot: String,
}

/// Where the files of a session are.
#[derive(Clone, Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn of(root: &Path, id: &SessionId) -> Self {
        Self(root.join(id.as_str()))
    }

    /// The private folder of the session's account: mode 0700.
    pub(super) fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.run().join(super::display::SOCKET)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Makes the folders and an empty log. Nothing in them is the account's until all is there.
    pub(super) fn make(&self, account: &Account) -> Result<(), SessionError> {
        let others = account.uid != own_uid();
        make_folder(&self.0, if others { 0o711 } else { 0o700 })?;
        let (run, log) = (self.run(), self.log());
        make_folder(&run, 0o700)?;
        let cookie = run.join("xauth");
        super::xauth::write(&cookie)?;
        make_log(&log)?;
        if others {
            for path in [&cookie, &run] {
                let given = chown(path, Some(account.uid), Some(account.gid));
                given.map_err(SessionError::file("give away", path))?;
            }
        }
        Ok(())
    }

    /// The folder and the log of a session that its account starts by itself, in a job. The account writes the log, and can
    /// make nothing else of it: the folder is the service's.
    pub(super) fn make_for_job(&self, account: &Account) -> Result<(), SessionError> {
        let log = self.log();
        make_folder(&self.0, if account.uid == own_uid() { 0o700 } else { 0o711 })?;
        make_log(&log)?;
        let given = chown(&log, Some(account.uid), Some(account.gid));
        given.map_err(SessionError::file("give away", &log))
    }

    /// Whoever has ended needs no socket and no cookie.
    pub(super) fn clear(&self) {
        let _gone_already = fs::remove_dir_all(self.run());
    }

    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "a session's folder stays");
        }
    }

    /// Written whole or not at all.
    pub(super) fn write(&self, record: &Record) -> Result<(), SessionError> {
        let (path, new) = (self.0.join("session.json"), self.0.join("session.json.new"));
        let json = serde_json::to_vec_pretty(record).expect("strings, numbers and lists only");
        let made =
            fs::write(&new, json).and_then(|()| fs::set_permissions(&new, fs::Permissions::from_mode(0o600)));
        made.map_err(SessionError::file("write", &new))?;
        fs::rename(&new, &path).map_err(SessionError::file("write", &path))
    }

    /// `None`: its start was killed before there was a record.
    pub(super) fn read(&self) -> Result<Option<Record>, SessionError> {
        let path = self.0.join("session.json");
        match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .map(Some)
                .map_err(|source| SessionError::Damaged { path, source }),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SessionError::file("read", &path)(source)),
        }
    }
}

impl Record {
    pub(super) fn new(session: Session) -> Self {
        Self { session, processes: Vec::new(), boot: boot() }
    }
}

fn make_log(log: &Path) -> Result<(), SessionError> {
    let made = fs::File::options().append(true).create(true).open(log);
    let made = made.and_then(|file| file.set_permissions(fs::Permissions::from_mode(0o600)));
    made.map_err(SessionError::file("write", log))
}

pub(super) fn make_folder(path: &Path, mode: u32) -> Result<(), SessionError> {
    let made = fs::DirBuilder::new().recursive(true).mode(mode).create(path);
    // Whatever the umask is.
    let made = made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)));
    made.map_err(SessionError::file("make", path))
}

/// The ids of all folders that can be sessions.
pub(super) fn ids(root: &Path) -> Result<Vec<SessionId>, SessionError> {
    let entries = fs::read_dir(root).map_err(SessionError::file("read", root))?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    Ok(folders.filter_map(|entry| SessionId::new(entry.file_name().to_str()?).ok()).collect())
}
