//! A start on another server: asked by a message that only that server hears, and answered when the session takes viewers. Members of a
//! cluster believe each other who is signed in, and what they may do; the other server checks the account as if it were asked itself.

use std::sync::Arc;
use std::time::Duration;

use cluster::session::Session;
use cluster::{ControlPlane, Name};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::session::process::own_uid;
use crate::session::{Inner, SessionError, Wanted, start as here};

/// For a desktop on a slow machine. One that has died says nothing, and is found out so, unless the broker knows.
const PATIENCE: Duration = Duration::from_secs(40);
/// Starts for others at a time; as many again wait.
const AT_ONCE: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    /// The server that asks.
    by: String,
    wanted: Wanted,
    is_confined: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Started(Box<Session>),
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
    let unanswered = |why: String| SessionError::Unanswered { server: server.to_owned(), why };
    let plane = inner.plane.get().ok_or_else(|| unanswered("this server is alone".into()))?;
    let name = Name::new(server).map_err(|error| SessionError::Malformed(error.to_string()))?;
    let asked = Asked { by: inner.server_id.clone(), is_confined: wanted.is_confined, wanted };
    let asked = serde_json::to_vec(&asked).map_err(|error| unanswered(error.to_string()))?;
    let subject = plane.subjects.start(&name);
    let answer = plane.transporter.request(&subject, asked.into(), PATIENCE).await;
    let answer = answer.map_err(|error| unanswered(error.to_string()))?;
    match serde_json::from_slice(&answer) {
        Ok(Answer::Started(session)) => Ok(*session),
        Ok(Answer::NotHere(why)) => Err(unanswered(why)),
        Ok(Answer::Refused(why)) => Err(SessionError::NotChosen(why)),
        Err(error) => Err(unanswered(format!("its answer is not understood: {error}"))),
    }
}

/// Starts what others ask for, for ever.
pub(super) async fn serve(plane: ControlPlane, inner: Arc<Inner>) {
    let mut requests = plane.transporter.serve(&plane.subjects.start(&plane.me)).await;
    let (places, mut starts) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    loop {
        while starts.try_join_next().is_some() {}
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let request = requests.next().await;
        let inner = Arc::clone(&inner);
        starts.spawn(async move {
            let answer = match serde_json::from_slice::<Asked>(&request.payload) {
                Ok(asked) => answer(inner, asked).await,
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

async fn answer(inner: Arc<Inner>, Asked { by, wanted, is_confined }: Asked) -> Answer {
    tracing::info!(server = by, login = wanted.login, "another server asks for a session");
    let is_confined = confines(own_uid(), is_confined);
    let wanted = Wanted { server_id: Some(inner.server_id.clone()), is_confined, ..wanted };
    match here::start(inner, wanted).await {
        Ok(session) => Answer::Started(Box::new(session)),
        Err(error) if error.is_the_servers() => Answer::NotHere(error.to_string()),
        Err(error) => Answer::Refused(error.to_string()),
    }
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
