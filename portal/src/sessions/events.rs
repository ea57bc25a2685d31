//! The list as it changes, by server-sent events: `update` with a session object, `delete` with `{"id"}`, and `ready` when
//! all that there is was told.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use cluster::session::{Session, SessionId};
use futures_util::Stream;
use futures_util::stream;
use node::session::{Sessions, Who};
use serde_json::json;
use tokio::sync::watch;

use crate::Shared;
use crate::guest::Guest;

/// Many changes in one moment are told as one.
const GATHER: Duration = Duration::from_millis(200);
/// Keeps proxies on the way from taking a quiet list for a dead connection.
const SAY_SOMETHING: Duration = Duration::from_secs(20);

pub(crate) async fn events(
    State(shared): State<Arc<Shared>>,
    Extension(guest): Extension<Guest>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let sessions = shared.sessions.clone();
    let told = Told { changes: sessions.changes(), sessions, who: guest.who.clone(), known: None };
    let batches = stream::unfold(told, async |mut told| told.next().await.map(|events| (events, told)));
    let events =
        futures_util::StreamExt::flat_map(batches, |events| stream::iter(events.into_iter().map(Ok)));
    // Ends with the visit, so that the page asks who it is.
    let events = futures_util::StreamExt::take_until(events, guest.left(shared));
    Sse::new(events).keep_alive(KeepAlive::new().interval(SAY_SOMETHING))
}

/// What one listener has heard.
struct Told {
    sessions: Sessions,
    changes: watch::Receiver<u64>,
    who: Who,
    known: Option<BTreeMap<SessionId, Session>>,
}

impl Told {
    /// Waits for a change, except the first time. `None`: there will be none any more.
    async fn next(&mut self) -> Option<Vec<Event>> {
        if self.known.is_some() {
            self.changes.changed().await.ok()?;
            tokio::time::sleep(GATHER).await;
        }
        self.changes.mark_unchanged();
        let first = self.known.is_none();
        let now: BTreeMap<SessionId, Session> = self
            .sessions
            .everywhere(&self.who)
            .into_iter()
            .map(|session| (session.id.clone(), session))
            .collect();
        let known = self.known.replace(now.clone()).unwrap_or_default();
        let mut events: Vec<Event> = now
            .values()
            .filter(|session| known.get(&session.id) != Some(session))
            .map(|session| event("update", &json!(session)))
            .collect();
        let gone = known.keys().filter(|id| !now.contains_key(*id));
        events.extend(gone.map(|id| event("delete", &json!({ "id": id }))));
        if first {
            events.push(event("ready", &json!({})));
        }
        Some(events)
    }
}

/// JSON has no line ends of its own, so that it is one line of the stream.
fn event(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
