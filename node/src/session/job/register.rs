//! `job.sock`: any account of the machine can come, and does so as itself. A job that has begun is told where its session is to live,
//! and tells when it is up. It reaches pending sessions of its own account, and nothing else.

use std::sync::Arc;

use axum::extract::State as Of;
use axum::routing::post;
use axum::{Extension, Json, Router};
use cluster::session::{Event, Kind, Session, SessionId, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::{Peer, Problem};
use crate::session::account::Account;
use crate::session::process::{Leader, Role, owner};
use crate::session::{Inner, SessionError, start};

pub(in crate::session) fn routes(inner: Arc<Inner>) -> Router {
    Router::new().route("/begin", post(begin)).route("/up", post(up)).with_state(inner)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    pub(super) id: SessionId,
}

/// What a job is to start, and where.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Begun {
    pub(super) session: Session,
    /// Its private folder, which has a cookie.
    pub(super) folder: std::path::PathBuf,
    pub(super) log: std::path::PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Up {
    pub(super) id: SessionId,
    pub(super) display: Option<String>,
    pub(super) processes: Vec<Process>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Process {
    pub(super) role: Role,
    pub(super) pid: u32,
}

/// More are none of a display's.
const MOST_PROCESSES: usize = 16;

async fn begin(
    Of(inner): Of<Arc<Inner>>,
    Extension(peer): Extension<Peer>,
    Json(Begin { id }): Json<Begin>,
) -> Result<Json<Begun>, Problem> {
    let unknown = || Problem::from(SessionError::Unknown(id.clone()));
    let pending = pending(&inner, &id).ok_or_else(unknown)?;
    let own = Account::own().await;
    let account = if own.name == pending.user { own } else { Account::find(&pending.user).await? };
    if account.uid != peer.uid {
        return Err(unknown());
    }
    start::reachable(&inner.root, &account)?;
    take(&inner, pending, &account)?;
    let place = inner.place(&id);
    let made = place
        .make(&account)
        .and_then(|()| place.make_for_job(&account))
        .and_then(|()| start::write(&inner, &id));
    if let Err(error) = made {
        super::submit::fail(&inner, &id, &error.to_string()).await;
        return Err(error.into());
    }
    let runner = peer.pid.and_then(|pid| Leader::of(pid, Role::Aid, peer.uid));
    inner.update(&id, |record| record.processes.extend(runner));
    let session = inner.all().get(&id).map(|entry| entry.record.session.clone()).ok_or_else(unknown)?;
    tracing::info!(session = %id, user = account.name, "the job of a session has begun");
    Ok(Json(Begun { session, folder: place.run(), log: place.log() }))
}

/// One of ours, or of a server that handed it to the batch system of both.
fn pending(inner: &Inner, id: &SessionId) -> Option<Session> {
    let is_it = |session: &&Session| session.id == *id && session.state == State::Pending;
    let own = inner.own();
    if let Some(session) = own.iter().find(|session| session.id == *id) {
        return Some(session).filter(is_it).cloned();
    }
    inner.elsewhere().all().find(is_it).cloned()
}

/// It starts here from now on; of two jobs for one session the second comes too late.
fn take(inner: &Inner, pending: Session, account: &Account) -> Result<(), SessionError> {
    let id = pending.id.clone();
    if pending.server_id == inner.server_id {
        let begins = inner.apply(&id, Event::Begun);
        return if begins { Ok(()) } else { Err(SessionError::Unknown(id)) };
    }
    start::register(
        inner,
        Session {
            server_id: inner.server_id.clone(),
            hostname: inner.hostname.clone(),
            uid: account.uid,
            state: State::Starting,
            changed: Timestamp::now(),
            ..pending
        },
    )
}

async fn up(
    Of(inner): Of<Arc<Inner>>,
    Extension(peer): Extension<Peer>,
    Json(Up { id, display, processes }): Json<Up>,
) -> Result<StatusCode, Problem> {
    let is_theirs = |session: &Session| {
        session.uid == peer.uid && session.job.is_some() && session.state == State::Starting
    };
    if !inner.all().get(&id).is_some_and(|entry| is_theirs(&entry.record.session)) {
        return Err(SessionError::Unknown(id).into());
    }
    let leaders = leaders(&processes, peer.uid).ok_or_else(|| {
        Problem::bad("these are no processes of a session's account", "fastx session run does it right")
    })?;
    let is_display = |name: &String| {
        name.len() < 16 && name.strip_prefix(':').is_some_and(|number| number.parse::<u32>().is_ok())
    };
    inner.update(&id, |record| {
        // From now on the display and its program count, and not what started them.
        record.processes = leaders;
        let pid = |role| record.processes.iter().find(|leader| leader.role == role).map(|leader| leader.pid);
        let (server, program) = (pid(Role::Server), pid(Role::Program));
        let session = &mut record.session;
        session.display = display.filter(is_display);
        session.app_pid = program;
        session.server_pid = if session.kind == Kind::Plain { program } else { server };
    });
    if !inner.apply(&id, Event::Up) {
        return Err(SessionError::Unknown(id).into());
    }
    start::write(&inner, &id)?;
    tracing::info!(session = %id, "a session is up in its job");
    Ok(StatusCode::NO_CONTENT)
}

/// They run, and as that account.
fn leaders(processes: &[Process], uid: u32) -> Option<Vec<Leader>> {
    let known = |process: &Process| {
        let leader = Leader::of(process.pid, process.role, uid)?;
        (owner(leader.pid) == Some(uid)).then_some(leader)
    };
    let has = |role| processes.iter().any(|process| process.role == role);
    let is_whole = has(Role::Program) && processes.len() <= MOST_PROCESSES;
    is_whole.then(|| processes.iter().map(known).collect())?
}
