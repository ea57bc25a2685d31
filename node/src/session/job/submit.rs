//! A start that goes to a batch system.

use std::sync::Arc;
use std::time::Duration;

use cluster::session::{EndReason, Ended, Event, Job, Session, SessionId, State};
use tokio::time::{Instant, sleep};

use super::call::{Action, call};
use super::script::open;
use super::settings::Jobs;
use super::verdict::{Verdict, verdict};
use crate::session::account::Account;
use crate::session::launch::Launcher;
use crate::session::{Inner, SessionError, Wanted, Who, end, start};

/// A session that a script said has started is here by then; others are told within a second.
const APPEARS_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What came of it.
pub(in crate::session) enum Submitted {
    /// The session that the user gets: pending, or one that has started.
    Session(Box<Session>),
    /// It is in the table, and starts here, now.
    Here(SessionId),
}

/// Asks the script. The session is in the table, pending, before it does.
pub(in crate::session) async fn submit(
    inner: &Arc<Inner>,
    wanted: &Wanted,
    account: &Account,
    (jobs, session): (&Jobs, Session),
) -> Result<Option<Submitted>, SessionError> {
    let Some(path) = jobs.script(session.profile.as_deref()) else { return Ok(None) };
    let script = open(path)?;
    let (id, place) = (session.id.clone(), inner.place(&session.id));
    let waiting = "The job script is asked.".to_owned();
    // An empty one is the desktop of the machine that it comes to, which may be another.
    let command = wanted.command.clone();
    let session = Session {
        command,
        state: State::Pending,
        job: Some(Job { message: waiting, ..Job::default() }),
        ..session
    };
    place.make_for_job(account)?;
    start::register(inner, session.clone())?;
    start::write(inner, &id)?;
    tracing::info!(session = %id, user = account.name, script = %path.display(), "a session is asked of a job script");
    let launcher = Launcher::new(account.clone(), id.clone(), &wanted.params, place.log());
    let action = Action::Start { admin: !wanted.is_confined };
    let said =
        call(launcher, &script, (action, &session), (inner.local_dir(), &place.log()), jobs.time_limit).await;
    let refused = |why: String| SessionError::Job(why);
    let verdict = said.map(|said| verdict(&said)).unwrap_or_else(|error| Verdict::Refused(error.to_string()));
    tracing::debug!(session = %id, ?verdict, "the job script has answered");
    match verdict {
        Verdict::Waits(job) => {
            // It may have begun already.
            inner.update(&id, |record| record.session.job = Some(job));
            Ok(Some(Submitted::Session(Box::new(shown(inner, &id)?))))
        }
        Verdict::StartsNow => {
            inner.update(&id, |record| record.session.job = None);
            let begins = inner.apply(&id, Event::Begun);
            if begins { Ok(Some(Submitted::Here(id))) } else { Err(refused("it was cancelled".into())) }
        }
        Verdict::Connects(other) => connects(inner, (&id, other), &session.login).await.map(Some),
        Verdict::Refused(why) => {
            fail(inner, &id, &why).await;
            Err(refused(why))
        }
    }
}

pub(super) async fn fail(inner: &Arc<Inner>, id: &SessionId, why: &str) {
    let ended = Ended { reason: EndReason::Failed, detail: why.to_owned() };
    end::because(inner, id, ended).await;
}

/// The session that the script named, once it is here; it must be the user's own.
async fn connects(
    inner: &Arc<Inner>,
    (id, other): (&SessionId, SessionId),
    login: &str,
) -> Result<Submitted, SessionError> {
    let (who, ends) = (Who::Login(login.to_owned()), Instant::now() + APPEARS_WITHIN);
    while Instant::now() < ends {
        let found = find(inner, &who, &other).filter(|session| session.state.is_up());
        if let Some(found) = found {
            if *id != other {
                forget(inner, id);
            }
            return Ok(Submitted::Session(Box::new(found)));
        }
        sleep(LOOK_EVERY).await;
    }
    let why = format!("the job script said that session {other} has started, and it is nowhere");
    fail(inner, id, &why).await;
    Err(SessionError::Job(why))
}

/// Wherever it is.
fn find(inner: &Inner, who: &Who, id: &SessionId) -> Option<Session> {
    let own = inner.own().into_iter().find(|session| session.id == *id && who.owns(session));
    own.or_else(|| inner.elsewhere().all().find(|session| session.id == *id && who.owns(session)).cloned())
}

/// It is another one now, or somewhere else.
pub(super) fn forget(inner: &Inner, id: &SessionId) {
    inner.all().remove(id);
    inner.place(id).remove();
    inner.changed();
}

fn shown(inner: &Inner, id: &SessionId) -> Result<Session, SessionError> {
    inner.all().get(id).map(crate::session::Entry::shown).ok_or_else(|| SessionError::Unknown(id.clone()))
}
