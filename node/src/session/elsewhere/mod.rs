//! All sessions on all servers, at each of them: every server tells its own whenever they change, and hears the others.
//!
//! No manager is needed for it: people find their way back to their sessions also while the store is away.

mod ask;
mod candidates;
mod table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::session::{Session, Told};
use cluster::settings::Settings;
use cluster::transporter::{Event, Link};
use cluster::{ControlPlane, Pattern};
use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use super::{Inner, Sessions};

pub(super) use ask::{end, leave, start, ticket};
pub use candidates::Candidate;
pub(super) use table::Table;

/// Whoever missed a change hears it then; of a thousand servers 17 in a second.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Changes in one moment are told as one.
const GATHER: Duration = Duration::from_millis(300);
/// A thousand servers do not answer a roll call in the same moment.
const SPREAD: Duration = Duration::from_secs(1);
/// Of one part, as compact JSON in bytes: half of what a message takes, because one session may be long.
const PART: usize = cluster::transporter::MAX_PAYLOAD / 2;

/// Tells, hears, and starts sessions for others, until it is dropped.
#[derive(Debug)]
pub struct Elsewhere {
    _tasks: [AbortOnDropHandle<()>; 3],
}

impl Elsewhere {
    pub fn start(plane: &ControlPlane, settings: &Settings, sessions: &Sessions) -> Self {
        let inner = Arc::clone(&sessions.inner);
        let hears = tokio::spawn(hear(plane.clone(), Arc::clone(&inner)));
        let tells = tokio::spawn(tell(plane.clone(), Arc::clone(&inner)));
        let _said_before = inner.plane.set(plane.clone());
        let _said_before = inner.settings.set(settings.clone());
        let starts = tokio::spawn(ask::serve(plane.clone(), settings.clone(), inner));
        Self { _tasks: [hears, tells, starts].map(AbortOnDropHandle::new) }
    }
}

async fn hear(plane: ControlPlane, inner: Arc<Inner>) {
    let mut told = plane.transporter.subscribe(&plane.subjects.every_sessions()).await;
    // Whoever is there already tells what it has. Only once: after a broker was away all tell by themselves.
    let mut called = call_the_roll(&plane).await;
    let mut look = tokio::time::interval(TELL_EVERY);
    loop {
        let differs = tokio::select! {
            biased;
            event = told.next() => {
                let Event::Message(message) = event else {
                    called = called || call_the_roll(&plane).await;
                    continue;
                };
                let Ok(told) = cluster::heard::read::<Told>(&message.payload) else { continue };
                let Ok(server) = cluster::Name::new(&told.server_id) else { continue };
                // A server may speak for itself only, and nobody for us.
                if server == plane.me || plane.subjects.sessions(&server).as_str() != message.subject {
                    continue;
                }
                inner.elsewhere().take(server.as_str(), told, Instant::now())
            }
            _ = look.tick() => inner.elsewhere().forget(Instant::now()),
        };
        if differs {
            inner.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

async fn call_the_roll(plane: &ControlPlane) -> bool {
    plane.transporter.publish(&plane.subjects.roll_call(), bytes::Bytes::new()).await.is_ok()
}

async fn tell(plane: ControlPlane, inner: Arc<Inner>) {
    let mut roll_calls = plane.transporter.subscribe(&Pattern::from(&plane.subjects.roll_call())).await;
    let (mut link, mut changes) = (plane.transporter.link(), inner.changes.subscribe());
    let mut last: Option<Vec<Session>> = None;
    loop {
        changes.mark_unchanged();
        let now = inner.own();
        // What others told is a change here, too, and no reason to tell anything.
        if last.as_deref().is_none_or(|last| !alike(last, &now)) {
            publish(&plane, &now).await;
            last = Some(now);
        }
        tokio::select! {
            biased;
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(GATHER).await;
                continue;
            }
            event = roll_calls.next() => {
                if matches!(event, Event::Message(_)) {
                    tokio::time::sleep(SPREAD.mul_f64(rand::random_range(0.0..1.0))).await;
                }
            }
            up = link.changed() => if up.is_ok() && !Link::is_up(&link.borrow()) { continue },
            () = tokio::time::sleep(TELL_EVERY) => {}
        }
        last = None;
    }
}

/// But for the last key, which is another every second.
fn alike(a: &[Session], b: &[Session]) -> bool {
    let known = |session: &Session| Session { last_input: None, ..session.clone() };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| known(a) == known(b))
}

async fn publish(plane: &ControlPlane, sessions: &[Session]) {
    let generation = Timestamp::now().as_microsecond();
    let parts = parts(sessions);
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    for (part, sessions) in (0..).zip(parts) {
        let server_id = plane.me.as_str().to_owned();
        let told = Told { server_id, generation, part, parts: count, sessions };
        match serde_json::to_vec(&told) {
            // Without a link it is told when there is one.
            Ok(bytes) => {
                drop(plane.transporter.publish(&plane.subjects.sessions(&plane.me), bytes.into()).await)
            }
            Err(error) => tracing::error!(%error, "the list of sessions is no JSON"),
        }
    }
}

/// At least one, so that an empty list is told.
fn parts(sessions: &[Session]) -> Vec<Vec<Session>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for session in sessions {
        let length = serde_json::to_vec(session).map_or(0, |json| json.len());
        if bytes + length > PART && bytes > 0 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += length;
        parts.last_mut().expect("there is one from the beginning").push(session.clone());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telling_fits_into_messages_and_nothing_is_told_as_one_empty_part() {
        assert_eq!(parts(&[]), [Vec::new()]);
        let long = Session { command: "x".repeat(4000), ..Session::default() };
        let parts = parts(&vec![long; 200]);
        assert!(parts.len() > 1);
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 200);
        for sessions in parts {
            let told = Told { sessions, ..Told::default() };
            assert!(serde_json::to_vec(&told).unwrap().len() < cluster::transporter::MAX_PAYLOAD);
        }
    }
}
