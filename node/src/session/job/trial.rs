//! `fastx job test`: a script is run as a user, and its verdict shown. Nothing starts by it but what the script itself does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::session::{Session, SessionId};
use serde::Serialize;

use super::call::{Action, End, call};
use super::script::{ScriptError, open};
use super::verdict::{Verdict, shown, verdict};
use crate::session::account::Account;
use crate::session::launch::Launcher;
use crate::session::process::own_uid;
use crate::session::{SessionError, Wanted};

/// What a trial is made with.
#[derive(Clone, Debug)]
pub struct Trial {
    pub script: PathBuf,
    pub local_dir: PathBuf,
    pub wanted: Wanted,
    pub time_limit: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// The id of the session that it was asked for.
    pub id: SessionId,
    pub verdict: Verdict,
    pub output: String,
    /// What it wrote on its standard error.
    pub log: String,
    /// How it ended.
    pub end: String,
}

#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error(transparent)]
    Script(#[from] ScriptError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("cannot make a folder: {0}")]
    Folder(std::io::Error),
}

/// Runs it once, with the action `start`.
pub async fn trial(trial: &Trial, folder: &Path) -> Result<Tried, TrialError> {
    let script = open(&trial.script)?;
    let own = Account::own().await;
    let account = match &trial.wanted.user {
        Some(name) if *name != own.name => Account::find(name).await?,
        _ => own,
    };
    let wanted = &trial.wanted;
    let id = SessionId::random();
    let log = folder.join("log");
    std::fs::write(&log, "").map_err(TrialError::Folder)?;
    if account.uid != own_uid() {
        std::os::unix::fs::chown(&log, Some(account.uid), None).map_err(TrialError::Folder)?;
    }
    let session = Session {
        id: id.clone(),
        name: wanted.name.clone(),
        login: wanted.login.clone().unwrap_or_else(|| account.name.clone()),
        user: account.name.clone(),
        uid: account.uid,
        command: wanted.command.clone(),
        profile: wanted.profile.clone(),
        geometry: wanted.geometry,
        params: wanted.params.clone(),
        ..Session::default()
    };
    let launcher = Launcher::new(account, id.clone(), &wanted.params, log.clone());
    let action = Action::Start { admin: true };
    let said =
        call(launcher, &script, (action, &session), (&trial.local_dir, &log), trial.time_limit).await?;
    let written = std::fs::read(&log).map_err(TrialError::Folder)?;
    let end = match &said.end {
        End::Done => "done".to_owned(),
        End::Failed(how) => how.clone(),
        End::TooSlow(limit) => format!("killed after {limit:?}"),
        End::TooMuch => format!("killed: more than {} bytes", super::call::MAX_OUTPUT),
    };
    let (output, log) = (shown(&said.output, 16_000), shown(&written, 16_000));
    Ok(Tried { id, verdict: verdict(&said), output, log, end })
}
