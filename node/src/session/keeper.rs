//! Looks after the sessions: sees what ended, applies the rules, writes down what changed.

use std::sync::Arc;
use std::time::Duration;

use cluster::session::{Due, EndReason, Ended, SessionId, State, Warning};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::process::{Leader, Role};
use super::record::Record;
use super::{Entry, Inner, end, log, warn};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Changes that come together are written together.
const GATHER: Duration = Duration::from_millis(50);
/// People find out here why a session is gone.
const ENDED_KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Of more the oldest go.
const MOST_ENDED: usize = 200;

/// What a look found to do.
#[derive(Debug, PartialEq)]
enum Act {
    /// It was told to end by a service before this one.
    Finish,
    End(Ended),
    Warn(Warning),
}

/// For ever.
pub(super) async fn keep(inner: Arc<Inner>) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut acts = JoinSet::new();
    // Those that a service before this one was to end.
    for id in ending(&inner) {
        act(&mut acts, &inner, id, Act::Finish);
    }
    let mut looked = Instant::now();
    loop {
        let ticked = tokio::select! {
            biased;
            _ = tick.tick() => true,
            () = inner.wake.notified() => {
                tokio::time::sleep(GATHER).await;
                false
            }
            Some(_) = acts.join_next() => continue,
        };
        let look = Arc::clone(&inner);
        let ticked = ticked || looked.elapsed() >= LOOK_EVERY;
        let found = tokio::task::spawn_blocking(move || {
            let found = if ticked { find(&look, Timestamp::now()) } else { Vec::new() };
            write(&look);
            found
        });
        if ticked {
            looked = Instant::now();
        }
        for (id, found) in found.await.unwrap_or_default() {
            act(&mut acts, &inner, id, found);
        }
    }
}

fn ending(inner: &Inner) -> Vec<SessionId> {
    let all = inner.all();
    let ending = all.values().filter(|entry| entry.record.session.state == State::Ending);
    ending.map(|entry| entry.record.session.id.clone()).collect()
}

fn act(acts: &mut JoinSet<()>, inner: &Arc<Inner>, id: SessionId, act: Act) {
    let inner = Arc::clone(inner);
    acts.spawn(async move {
        match act {
            Act::Finish => end::finish(&inner, &id).await,
            Act::End(why) => end::because(&inner, &id, why).await,
            Act::Warn(warning) => warn::show(&inner, &id, &warning).await,
        }
    });
}

/// Looks at all of them, in `/proc` too.
fn find(inner: &Inner, now: Timestamp) -> Vec<(SessionId, Act)> {
    let seen: Vec<Record> = inner.all().values().map(Entry::current).collect();
    let mut found = Vec::new();
    for record in seen {
        let id = record.session.id.clone();
        if record.session.state != State::Ended {
            log::bound(&inner.place(&id).log());
        }
        let act = decide(&record, now, Leader::runs);
        if let Some(Act::Warn(warning)) = &act {
            inner.update(&id, |record| record.session.warning = Some(warning.clone()));
        } else if act.is_none()
            && record.session.warning.is_some()
            && record.session.policy.due(&record.session, now) == Due::Nothing
        {
            inner.update(&id, |record| record.session.warning = None);
        }
        found.extend(act.map(|act| (id, act)));
    }
    forget(inner, now);
    inner.expire_links(now);
    found
}

/// Pure but for `runs`.
fn decide(record: &Record, now: Timestamp, runs: impl Fn(&Leader) -> bool) -> Option<Act> {
    let session = &record.session;
    if !session.state.is_up() {
        return None;
    }
    let ended = |reason, detail: &str| Some(Act::End(Ended { reason, detail: detail.into() }));
    let gone = |role| record.processes.iter().any(|leader| leader.role == role && !runs(leader));
    if gone(Role::Program) {
        return ended(EndReason::Finished, "its program has ended");
    }
    if gone(Role::Server) {
        return ended(EndReason::DisplayDied, "its display has died");
    }
    match session.policy.due(session, now) {
        Due::Now(reason) => ended(reason, why(reason)),
        Due::Soon(reason, ends) if session.warning.as_ref().is_none_or(|warning| warning.ends != ends) => {
            // While people work the end moves on by itself; then there is nothing to warn of.
            let text =
                format!("This session ends at {}, because {}.", warn::clock(ends), warn::because(reason));
            Some(Act::Warn(Warning { text, ends }))
        }
        Due::Soon(..) | Due::Nothing => None,
    }
}

fn why(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Disconnected => "nobody looked at it for longer than its policy allows",
        EndReason::Idle => "nobody did anything in it for longer than its policy allows",
        _ => "the time that its policy allows was over",
    }
}

/// Lets go what ended long ago.
fn forget(inner: &Inner, now: Timestamp) {
    let mut ended: Vec<(Timestamp, SessionId)> = {
        let all = inner.all();
        let ended =
            all.values().map(|entry| &entry.record.session).filter(|session| session.state == State::Ended);
        ended.map(|session| (session.changed, session.id.clone())).collect()
    };
    ended.sort();
    let beyond = ended.len().saturating_sub(MOST_ENDED);
    for (number, (when, id)) in ended.into_iter().enumerate() {
        if number < beyond || now.duration_since(when) >= ENDED_KEPT {
            inner.all().remove(&id);
            inner.place(&id).remove();
            inner.changed();
        }
    }
}

/// Only this writes, but for starts, which write before anybody else knows them.
fn write(inner: &Inner) {
    let mut all = inner.all();
    let dirty = all.values_mut().filter(|entry| entry.dirty && entry.record.session.state != State::Starting);
    let records: Vec<Record> = dirty
        .map(|entry| {
            entry.dirty = false;
            entry.current()
        })
        .collect();
    drop(all);
    for record in records {
        if let Err(error) = inner.place(&record.session.id).write(&record) {
            tracing::warn!(%error, "a session's record is not written");
        }
    }
}

impl Entry {
    /// With what viewers did since.
    fn current(&self) -> Record {
        Record { session: self.shown(), ..self.record.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::session::{Policy, Session};

    #[test]
    fn the_end_of_a_program_and_of_a_display_are_told_apart_and_a_warning_comes_once() {
        let leader = |role| Leader { role, pid: 1, started: 1, uid: 0 };
        let record = |policy| {
            let started = Timestamp::from_second(1000).unwrap();
            let session = Session { state: State::Running, started, policy, ..Session::default() };
            let processes = [Role::Server, Role::Aid, Role::Program].map(leader).to_vec();
            Record { session, processes, boot: String::new() }
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let reason = |act: Option<Act>| match act {
            Some(Act::End(ended)) => Some(ended.reason),
            _ => None,
        };
        let plain = record(Policy::default());
        assert_eq!(decide(&plain, at(9999), |_| true), None);
        let without = |role| decide(&plain, at(9999), |leader| leader.role != role);
        assert_eq!(reason(without(Role::Server)), Some(EndReason::DisplayDied));
        assert_eq!(reason(without(Role::Program)), Some(EndReason::Finished));
        assert_eq!(without(Role::Aid), None, "nobody misses a window manager");

        let mut limited = record(Policy { longest: Some(Duration::from_secs(100)), ..Policy::default() });
        assert_eq!(decide(&limited, at(1079), |_| true), None);
        let Some(Act::Warn(warning)) = decide(&limited, at(1080), |_| true) else { panic!("no warning") };
        assert_eq!(warning.ends, at(1100));
        limited.session.warning = Some(warning);
        assert_eq!(decide(&limited, at(1081), |_| true), None);
        assert_eq!(reason(decide(&limited, at(1100), |_| true)), Some(EndReason::Deadline));
    }
}
