//! Starting a session on another server, looking at one's own there, and ending it: asked by a message that only that server hears, and answered
//! when it is done. Members of a cluster believe each other who is signed in; the other server checks the account as if it were asked itself.
//! One that does not want that says `startsFromOthers: false` (docs/settings.md).

use std::sync::Arc;
use std::time::Duration;

use cluster::session::{Session, SessionId};
use cluster::settings::Settings;
use cluster::{ControlPlane, Name};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tunnel::identity::Secret;

use crate::session::process::own_uid;
use crate::session::{Holder, Inner, SessionError, Wanted, Who, end, start as here, ticket as own};

/// For a desktop on a slow machine. One that has died says nothing, and is found out so, unless the broker knows.
const PATIENCE: Duration = Duration::from_secs(40);
/// Starts for others at a time; as many again wait.
const AT_ONCE: usize = 64;
const FROM_OTHERS: &str =
    "it takes nothing from people who are signed in at other servers (setting startsFromOthers)";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    /// The server that asks.
    by: String,
    what: Question,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Question {
    #[serde(rename_all = "camelCase")]
    Start {
        wanted: Box<Wanted>,
        is_confined: bool,
    },
    End {
        login: String,
        id: SessionId,
    },
    /// One who is signed in there wants to look at a session.
    Ticket {
        holder: Holder,
        id: SessionId,
    },
    /// Their visit there is over.
    Leave {
        visit: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Started(Box<Session>),
    Ended,
    Ticket(Secret),
    /// Another server may do it.
    NotHere(String),
    /// No server would.
    Refused(String),
}

/// Returns when it takes viewers.
pub(in crate::session) async fn start(
    inner: &Inner,
    server: &str,
    wanted: Wanted,
) -> Result<Session, SessionError> {
    let what = Question::Start { is_confined: wanted.is_confined, wanted: Box::new(wanted) };
    match ask(inner, server, what).await? {
        Answer::Started(session) => Ok(*session),
        _ => Err(unanswered(server, "it answers another question".into())),
    }
}

/// Ends one of `login` there.
pub(in crate::session) async fn end(
    inner: &Inner,
    server: &str,
    login: &str,
    id: &SessionId,
) -> Result<(), SessionError> {
    ask(inner, server, Question::End { login: login.to_owned(), id: id.clone() }).await.map(drop)
}

/// A ticket that counts there.
pub(in crate::session) async fn ticket(
    inner: &Inner,
    server: &str,
    holder: Holder,
    id: &SessionId,
) -> Result<Secret, SessionError> {
    match ask(inner, server, Question::Ticket { holder, id: id.clone() }).await? {
        Answer::Ticket(secret) => Ok(secret),
        _ => Err(unanswered(server, "it answers another question".into())),
    }
}

/// Ends what was opened there by tickets of a visit.
pub(in crate::session) async fn leave(inner: &Inner, server: &str, visit: &str) -> Result<(), SessionError> {
    ask(inner, server, Question::Leave { visit: visit.to_owned() }).await.map(drop)
}

fn unanswered(server: &str, why: String) -> SessionError {
    SessionError::Unanswered { server: server.to_owned(), why }
}

async fn ask(inner: &Inner, server: &str, what: Question) -> Result<Answer, SessionError> {
    let unanswered = |why: String| unanswered(server, why);
    let plane = inner.plane.get().ok_or_else(|| unanswered("this server is alone".into()))?;
    let name = Name::new(server).map_err(|error| SessionError::Malformed(error.to_string()))?;
    let asked = Asked { by: inner.server_id.clone(), what };
    let asked = serde_json::to_vec(&asked).map_err(|error| unanswered(error.to_string()))?;
    let subject = plane.subjects.ask(&name);
    let answer = plane.transporter.request(&subject, asked.into(), PATIENCE).await;
    let answer = answer.map_err(|error| unanswered(error.to_string()))?;
    match serde_json::from_slice(&answer) {
        Ok(done @ (Answer::Started(_) | Answer::Ended | Answer::Ticket(_))) => Ok(done),
        Ok(Answer::NotHere(why)) => Err(unanswered(why)),
        Ok(Answer::Refused(why)) => Err(SessionError::NotChosen(why)),
        Err(error) => Err(unanswered(format!("its answer is not understood: {error}"))),
    }
}

/// Does what others ask for, for ever.
pub(super) async fn serve(plane: ControlPlane, settings: Settings, inner: Arc<Inner>) {
    let mut requests = plane.transporter.serve(&plane.subjects.ask(&plane.me)).await;
    let (places, mut starts) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    loop {
        while starts.try_join_next().is_some() {}
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let request = requests.next().await;
        let (inner, may) = (Arc::clone(&inner), settings.now().values.starts_from_others);
        starts.spawn(async move {
            let answer = match cluster::heard::read::<Asked>(&request.payload) {
                // Who was let in before leaves all the same.
                Ok(asked) if may || matches!(asked.what, Question::Leave { .. }) => {
                    answer(inner, asked).await
                }
                Ok(_) => Answer::NotHere(FROM_OTHERS.into()),
                Err(error) => Answer::NotHere(format!("it does not understand the question: {error}")),
            };
            match serde_json::to_vec(&answer) {
                // A broker that is lost tells the asker the same.
                Ok(bytes) => drop(request.answer(bytes.into()).await),
                Err(error) => tracing::error!(%error, "an answer about a start is no JSON"),
            }
            drop(place);
        });
    }
}

/// Nobody becomes root by asking from another server, whoever it says that asks.
fn confines(own: u32, told: bool) -> bool {
    told || own == 0
}

async fn answer(inner: Arc<Inner>, Asked { by, what }: Asked) -> Answer {
    let (wanted, is_confined) = match what {
        Question::Start { wanted, is_confined } => (*wanted, is_confined),
        Question::End { login, id } => {
            tracing::info!(server = by, login, session = %id, "another server ends a session");
            let ended = end::terminate(&inner, &Who::Login(login), &id).await;
            return ended.map_or_else(|error| Answer::Refused(error.to_string()), |()| Answer::Ended);
        }
        Question::Ticket { holder, id } => return ticket_for(&inner, &by, holder, &id),
        Question::Leave { visit } => {
            inner.tickets().leave(&visit);
            return Answer::Ended;
        }
    };
    tracing::info!(server = by, login = wanted.login, "another server asks for a session");
    let is_confined = confines(own_uid(), is_confined);
    let wanted = Wanted { server_id: Some(inner.server_id.clone()), is_confined, ..wanted };
    match here::start(inner, wanted).await {
        Ok(session) => Answer::Started(Box::new(session)),
        Err(error) if error.is_the_servers() => Answer::NotHere(error.to_string()),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// Only ever as the owner: who administers another server does not administer this one.
fn ticket_for(inner: &Inner, by: &str, holder: Holder, id: &SessionId) -> Answer {
    let Some(login) = holder.login.clone() else {
        return Answer::Refused("tickets are for people with a name".into());
    };
    tracing::info!(server = by, login, session = %id, "another server asks for a ticket");
    let issued = own::issue(inner, &Who::Login(login), holder, id);
    issued.map_or_else(|error| Answer::Refused(error.to_string()), Answer::Ticket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_server_starts_anything_as_root() {
        assert!(confines(0, false) && confines(0, true) && confines(1000, true));
        assert!(!confines(1000, false), "a service of an ordinary user has no other account");
    }
}
