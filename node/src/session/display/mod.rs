//! What shows a session: an X server, or the session's own command.

mod plain;
mod xvnc;

use std::path::PathBuf;
use std::time::Duration;

use cluster::session::{Clipboard, Geometry, Kind};
use futures_util::future::BoxFuture;

use super::SessionError;
use super::launch::Launcher;
use super::process::Leader;

/// An X server is up in some 100 ms; a machine that swaps takes longer.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A kind of display. Whatever it is, people reach it by RFB 3.8 on one unix socket in the session's private folder.
pub(super) trait Display: Send + Sync {
    /// Starts it with the session's program in it. Tells `began` of each process the moment it runs, and returns when the
    /// socket takes viewers.
    fn start<'a>(&'a self, stage: Stage<'a>) -> BoxFuture<'a, Result<Shown, SessionError>>;
}

/// What a display is started with.
pub(super) struct Stage<'a> {
    pub(super) launcher: Launcher,
    /// The session's private folder; it belongs to the session's account.
    pub(super) folder: PathBuf,
    /// The session's log, to say from it what went wrong.
    pub(super) log: PathBuf,
    pub(super) name: &'a str,
    pub(super) command: &'a str,
    /// Whether the command is a desktop, which has a window manager of its own.
    pub(super) is_desktop: bool,
    pub(super) geometry: Geometry,
    pub(super) clipboard: Clipboard,
    pub(super) began: &'a (dyn Fn(Leader) + Send + Sync),
}

/// A display that is up.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// `:5`, if it is an X display.
    pub(super) name: Option<String>,
}

/// Where its socket is, below the session's private folder.
pub(super) const SOCKET: &str = "rfb.sock";

pub(super) fn of(kind: Kind) -> &'static dyn Display {
    match kind {
        Kind::Xvnc => &xvnc::Xvnc,
        Kind::Plain => &plain::Plain,
    }
}

/// Runs the session's command: by a shell that first reads what the machine and the user have set up for logins.
fn program(command: &str) -> Vec<std::ffi::OsString> {
    let script = "cd -- \"$HOME\" 2>/dev/null || cd /; eval \"$0\"";
    ["/bin/sh", "-l", "-c", script, command].map(Into::into).to_vec()
}

/// The last thing that a display wrote before it gave up.
fn last_line(log: &std::path::Path) -> String {
    let text = super::log::tail(log, 4096).unwrap_or_default();
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(|| "it ended without a word".to_owned(), |line| line.chars().take(300).collect())
}
