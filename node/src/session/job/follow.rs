//! What becomes of pending sessions: asked of their scripts, again and again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::session::{Session, SessionId, State};
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::call::{Action, Said, call};
use super::script::open;
use super::settings::Jobs;
use super::submit::{fail, forget};
use super::verdict::state;
use crate::session::account::Account;
use crate::session::launch::Launcher;
use crate::session::process::{Leader, Role};
use crate::session::{Inner, SessionError};

/// Between two looks at all of them, and two questions about one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const ASK_EVERY: Duration = Duration::from_secs(10);
/// Scripts that are asked at a time.
const AT_ONCE: usize = 4;
/// In which a job that has begun brings its session up.
const UP_WITHIN: SignedDuration = SignedDuration::from_secs(120);

/// For ever.
pub(in crate::session) async fn follow(inner: Arc<Inner>) {
    let mut asked: HashMap<SessionId, Instant> = HashMap::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let own = inner.own();
        let pending: Vec<&Session> = own.iter().filter(|session| session.state == State::Pending).collect();
        asked.retain(|id, _| pending.iter().any(|session| session.id == *id));
        let jobs = inner.jobs().ok().flatten();
        let mut questions = Vec::new();
        for session in &pending {
            if is_elsewhere(&inner, &session.id) {
                forget(&inner, &session.id);
            } else if is_too_old(session, jobs.as_ref()) {
                fail(&inner, &session.id, "its job has not begun for too long").await;
            } else if session.job.as_ref().is_some_and(|job| job.id.is_some()) {
                let due = asked.get(&session.id).is_none_or(|at| at.elapsed() >= ASK_EVERY);
                questions.extend(due.then_some(*session));
            }
        }
        for session in &questions {
            asked.insert(session.id.clone(), Instant::now());
        }
        let questions = questions.into_iter().map(|session| ask(&inner, session, jobs.as_ref()));
        futures_util::stream::iter(questions).for_each_concurrent(AT_ONCE, |asked| asked).await;
        for session in own.iter().filter(|session| session.state == State::Starting && session.job.is_some())
        {
            if let Some(why) = is_stuck(&inner, session) {
                fail(&inner, &session.id, why).await;
            }
        }
    }
}

/// Cancels the job of a pending session, if its script can.
pub(in crate::session) async fn cancel(inner: &Inner, session: &Session) {
    if session.job.as_ref().is_none_or(|job| job.id.is_none()) {
        return;
    }
    let said = match inner.jobs() {
        Ok(jobs) => question(inner, session, jobs.as_ref(), Action::Cancel).await,
        Err(error) => Err(error),
    };
    if let Err(error) = said {
        tracing::warn!(session = %session.id, %error, "the job of a session is not cancelled");
    }
}

/// Its job has begun on another server.
fn is_elsewhere(inner: &Inner, id: &SessionId) -> bool {
    inner.elsewhere().all().any(|session| session.id == *id && session.state != State::Pending)
}

fn is_too_old(session: &Session, jobs: Option<&Jobs>) -> bool {
    let most = jobs.map_or(Duration::from_secs(7 * 24 * 3600), |jobs| jobs.pending_at_most);
    Timestamp::now().duration_since(session.started).unsigned_abs() > most
}

/// Begun in a job, and never came up.
fn is_stuck(inner: &Inner, session: &Session) -> Option<&'static str> {
    let all = inner.all();
    let processes = &all.get(&session.id)?.record.processes;
    let runner: Vec<&Leader> = processes.iter().filter(|leader| leader.role == Role::Aid).take(1).collect();
    if runner.iter().any(|leader| !leader.runs()) {
        return Some("its job ended before its display was up");
    }
    let waited = Timestamp::now().duration_since(session.changed);
    (!runner.is_empty() && waited > UP_WITHIN)
        .then_some("its job began, and its display did not come up in time")
}

async fn ask(inner: &Arc<Inner>, session: &Session, jobs: Option<&Jobs>) {
    match question(inner, session, jobs, Action::State).await.map(|said| said.as_ref().and_then(state)) {
        Ok(Some(now)) => {
            let is_over = matches!(now.state.to_ascii_lowercase().as_str(), "done" | "failed" | "cancelled");
            let why = format!("its job has ended before it began a session: {} {}", now.state, now.message);
            inner.update(&session.id, |record| {
                if let Some(job) = record
                    .session
                    .job
                    .as_mut()
                    .filter(|job| job.state != now.state || job.message != now.message)
                {
                    (job.state, job.message) = (now.state, now.message);
                }
            });
            let still = inner.all().get(&session.id).map(|entry| entry.record.session.state);
            if is_over && still == Some(State::Pending) && !is_elsewhere(inner, &session.id) {
                fail(inner, &session.id, why.trim()).await;
            }
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(session = %session.id, %error, "the state of a job is not known"),
    }
}

/// None where no script is named any more.
async fn question(
    inner: &Inner,
    session: &Session,
    jobs: Option<&Jobs>,
    action: Action,
) -> Result<Option<Said>, SessionError> {
    let Some((jobs, path)) = jobs.and_then(|jobs| Some((jobs, jobs.script(session.profile.as_deref())?)))
    else {
        return Ok(None);
    };
    let script = open(path)?;
    let own = Account::own().await;
    let account = if own.name == session.user { own } else { Account::find(&session.user).await? };
    let log = inner.place(&session.id).log();
    let launcher = Launcher::new(account, session.id.clone(), &session.params, log.clone());
    call(launcher, &script, (action, session), (inner.local_dir(), &log), jobs.time_limit).await.map(Some)
}
