//! Ending one session.

use std::sync::Arc;
use std::time::Duration;

use cluster::session::{EndReason, Ended, Event, SessionId, State};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::process::{Leader, Role};
use super::{Inner, SessionError, Who, locks, tree};

/// From SIGTERM to SIGKILL.
const TIME_TO_END: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A process can start another between the look and the signal.
const MOST_SWEEPS: usize = 20;

pub(super) async fn terminate(inner: &Arc<Inner>, who: &Who, id: &SessionId) -> Result<(), SessionError> {
    let (state, place) = inner.seen(who, id, |entry| (entry.record.session.state, inner.place(id)))?;
    if state == State::Ended {
        inner.all().remove(id);
        place.remove();
        inner.changed();
        return Ok(());
    }
    let ended = Ended { reason: EndReason::Terminated, detail: "somebody ended it".into() };
    let inner = Arc::clone(inner);
    let id = id.clone();
    // It ends to the end also when nobody waits for it any more.
    tokio::spawn(async move { because(&inner, &id, ended).await }).await.map_err(|_| SessionError::Stopping)
}

/// Ends it, for the first reason that it is given.
pub(super) async fn because(inner: &Arc<Inner>, id: &SessionId, why: Ended) {
    if inner.apply(id, Event::End) {
        inner.update(id, |record| record.session.ended = Some(why));
        finish(inner, id).await;
        return;
    }
    // Somebody else ends it already.
    let mut changes = inner.changes.subscribe();
    while inner.all().get(id).is_some_and(|entry| entry.record.session.state != State::Ended) {
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Ends all that is left of a session in the state `Ending`.
pub(super) async fn finish(inner: &Arc<Inner>, id: &SessionId) {
    let Some((record, viewers)) =
        inner.all().get(id).map(|entry| (entry.record.clone(), entry.viewers.clone()))
    else {
        return;
    };
    let uid = record.session.uid;
    let server: Vec<Leader> =
        record.processes.iter().copied().filter(|leader| leader.role == Role::Server).collect();
    let others: Vec<Leader> =
        record.processes.iter().copied().filter(|leader| leader.role != Role::Server).collect();
    let spare: Vec<i32> = server.iter().map(|leader| leader.pid).collect();
    // The programs first, so that they end before their screen goes.
    others.iter().rev().for_each(|leader| leader.signal_group(Signal::TERM));
    sweep(id, uid, Signal::TERM, &spare).await;
    let ends = Instant::now() + TIME_TO_END;
    gone(&others, ends).await;
    server.iter().for_each(|leader| leader.signal_group(Signal::TERM));
    gone(&server, ends.max(Instant::now() + TIME_TO_END / 3)).await;
    record.processes.iter().for_each(|leader| leader.signal_group(Signal::KILL));
    leftovers(inner, id, uid).await;
    if let (Some(display), Some(leader)) = (&record.session.display, server.first()) {
        locks::clear(display, leader.pid, uid);
    }
    viewers.cancel();
    inner.update(id, |record| {
        record.processes.clear();
        (record.session.clients, record.session.warning) = (0, None);
    });
    inner.apply(id, Event::Gone);
    tracing::info!(session = %id, reason = ?record.session.ended.map(|ended| ended.reason), "a session has ended");
}

/// Kills whatever is still there of it, and takes its socket away.
pub(super) async fn leftovers(inner: &Inner, id: &SessionId, uid: u32) {
    for _ in 0..MOST_SWEEPS {
        if sweep(id, uid, Signal::KILL, &[]).await == 0 {
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    inner.place(id).clear();
}

async fn gone(leaders: &[Leader], ends: Instant) {
    while leaders.iter().any(Leader::runs) && Instant::now() < ends {
        sleep(LOOK_EVERY).await;
    }
}

/// Looks through `/proc`, some milliseconds.
async fn sweep(id: &SessionId, uid: u32, signal: Signal, spare: &[i32]) -> usize {
    let (id, spare) = (id.clone(), spare.to_vec());
    tokio::task::spawn_blocking(move || tree::signal(&id, uid, signal, &spare)).await.unwrap_or(0)
}
