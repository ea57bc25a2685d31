//! What went wrong with a session.

use std::path::{Path, PathBuf};

use cluster::session::{SessionId, State};

use super::job::ScriptError;
use super::{LONGEST_SOCKET_PATH, MOST_SESSIONS};

/// Why something about a session was not done. A session of somebody else is an unknown one.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("no session `{0}` on this server")]
    Unknown(SessionId),
    #[error("session `{id}` is on the server {server}")]
    Elsewhere { id: SessionId, server: String },
    #[error("session `{0}` has ended")]
    Ended(SessionId),
    #[error("session `{id}` is {}", state.name())]
    NotUp { id: SessionId, state: State },
    #[error("{MOST_SESSIONS} sessions already run on this server; end one first")]
    TooMany,
    #[error("so many sessions start on this server that this one had to wait too long; try again")]
    Busy,
    #[error("this server takes no new sessions now")]
    NotTaken,
    #[error("{0}")]
    Malformed(String),
    #[error("`{program}` is not installed: apt install {package}")]
    NotInstalled { program: String, package: String },
    #[error("sessions cannot run as `{name}` here: {why}")]
    Account { name: String, why: String },
    #[error(
        "{0} is too long for a unix socket ({LONGEST_SOCKET_PATH} bytes at most); use a shorter local folder"
    )]
    PathTooLong(PathBuf),
    #[error("the session did not start: {0}")]
    Start(String),
    /// What those who choose said, for the person.
    #[error("{0}")]
    NotChosen(String),
    #[error("the server {server} did not do it: {why}")]
    Unanswered { server: String, why: String },
    /// What its script said, for the person.
    #[error("{0}")]
    Job(String),
    #[error(transparent)]
    JobScript(#[from] ScriptError),
    #[error(transparent)]
    Jobs(#[from] config::ConfigError),
    #[error("the display of session `{id}` does not answer: {source}")]
    Unreachable { id: SessionId, source: std::io::Error },
    #[error("cannot {act} {}: {source}", path.display())]
    File { act: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{} is damaged ({source}); remove its folder when its processes are gone", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("there is no such link, or it does not count any more")]
    NoShare,
    #[error("there is no such ticket, or it does not count any more")]
    NoTicket,
    #[error("this service is stopping")]
    Stopping,
}

impl SessionError {
    pub(super) fn file(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { act, path, source }
    }
}
