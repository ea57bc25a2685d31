//! What a service does with the sessions of the one before it: those that run it takes over, the others it writes off.

use std::path::Path;

use cluster::session::{EndReason, Ended, Event, State};
use jiff::Timestamp;
use rustix::process::Signal;

use super::process::{Role, boot, own_uid};
use super::record::{self, Place, Record};
use super::{SessionError, locks, tree};

/// All sessions that are on disk.
pub(super) fn adopt(root: &Path) -> Result<Vec<Record>, SessionError> {
    let (now, boot) = (Timestamp::now(), boot());
    let mut records = Vec::new();
    for id in record::ids(root)? {
        let place = Place::of(root, &id);
        match place.read() {
            Ok(Some(record)) if record.session.id == id => records.push(take(record, &place, &boot, now)),
            // Killed before the first record: whatever it started is ended by name.
            Ok(None) => {
                tree::signal(&id, own_uid(), Signal::KILL, &[]);
                place.remove();
            }
            Ok(Some(_)) => tracing::warn!(session = %id, "its record is of another session; left alone"),
            // One damaged folder must not hide the others.
            Err(error) => tracing::warn!(%error, "a session is left alone"),
        }
    }
    Ok(records)
}

/// The record as it is now.
fn take(mut record: Record, place: &Place, boot: &str, now: Timestamp) -> Record {
    let session = &mut record.session;
    session.clients = 0;
    let rebooted = record.boot != boot;
    let gone = |role| {
        let mut leaders = record.processes.iter().filter(|leader| leader.role == role);
        leaders.any(|leader| rebooted || !leader.runs())
    };
    let why = match session.state {
        // Its job is the batch system's, and may be on any machine.
        State::Ended | State::Pending => return record,
        _ if rebooted => Some((EndReason::Reboot, "the machine was started anew")),
        State::Starting => Some((EndReason::Failed, "the service ended while the session started")),
        State::Ending => None,
        _ if gone(Role::Server) => Some((EndReason::DisplayDied, "its display ended while no service ran")),
        _ if gone(Role::Program) => Some((EndReason::Finished, "its program ended while no service ran")),
        _ => {
            // Whoever looked did so through the service that is gone.
            if session.apply(Event::Left, now) {
                session.last_disconnect = Some(now);
            }
            tracing::info!(session = %session.id, user = session.user, "a session was found again");
            return record;
        }
    };
    if let Some((reason, detail)) = why {
        session.ended = Some(Ended { reason, detail: detail.into() });
    }
    session.apply(Event::End, now);
    if rebooted {
        written_off(&mut record, place, now);
    }
    record
}

/// After a reboot no process is left; no signal goes to whoever has its number now.
fn written_off(record: &mut Record, place: &Place, now: Timestamp) {
    let server = record.processes.iter().find(|leader| leader.role == Role::Server);
    if let (Some(display), Some(server)) = (&record.session.display, server) {
        locks::clear(display, server.pid, record.session.uid);
    }
    place.clear();
    record.processes.clear();
    record.session.apply(Event::Gone, now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::process::Leader;
    use cluster::session::{Session, SessionId};

    fn found(state: State, boot: &str, processes: Vec<Leader>) -> (State, Option<EndReason>) {
        let folder = tempfile::tempdir().unwrap();
        let id = SessionId::new("s1").unwrap();
        let place = Place::of(folder.path(), &id);
        record::make_folder(&place.run(), 0o700).unwrap();
        let session = Session { id, state, uid: own_uid(), clients: 3, ..Session::default() };
        place.write(&Record { session, processes, boot: boot.into() }).unwrap();
        let record = adopt(folder.path()).unwrap().remove(0);
        assert_eq!(record.session.clients, 0);
        assert_eq!(place.run().exists(), record.session.state != State::Ended, "a socket outlives a reboot");
        (record.session.state, record.session.ended.map(|ended| ended.reason))
    }

    #[test]
    fn what_runs_is_taken_over_and_what_does_not_is_written_off() {
        let us = |role| Leader::of(std::process::id(), role, own_uid()).unwrap();
        let alive = vec![us(Role::Server), us(Role::Program)];
        let stranger = Leader { started: 1, ..us(Role::Server) };
        let of_another = Leader { pid: 1, uid: own_uid() + 7, ..us(Role::Program) };
        let here = boot();
        use State::{Connected, Disconnected, Ended, Ending, Running, Starting};
        let cases = [
            (Running, &here, alive.clone(), Running, None),
            (Connected, &here, alive.clone(), Disconnected, None),
            (Starting, &here, alive.clone(), Ending, Some(EndReason::Failed)),
            (Ending, &here, alive.clone(), Ending, None),
            (Running, &here, vec![stranger, us(Role::Program)], Ending, Some(EndReason::DisplayDied)),
            (Running, &here, vec![us(Role::Server), of_another], Ending, Some(EndReason::Finished)),
            (Connected, &"before".to_owned(), alive, Ended, Some(EndReason::Reboot)),
        ];
        for (number, (state, boot, processes, then, why)) in cases.into_iter().enumerate() {
            assert_eq!(found(state, boot, processes), (then, why), "case {number}");
        }
    }

    #[test]
    fn a_damaged_record_hides_nothing_else_and_a_half_made_folder_goes() {
        let folder = tempfile::tempdir().unwrap();
        let place = |id: &str| Place::of(folder.path(), &SessionId::new(id).unwrap());
        for id in ["bad", "half", "good"] {
            record::make_folder(&place(id).run(), 0o700).unwrap();
        }
        std::fs::write(folder.path().join("bad/session.json"), "{").unwrap();
        let id = SessionId::new("good").unwrap();
        let session = Session { id, state: State::Ended, ..Session::default() };
        place("good").write(&Record::new(session)).unwrap();
        assert_eq!(adopt(folder.path()).unwrap().len(), 1);
        assert!(folder.path().join("bad").exists() && !folder.path().join("half").exists());
    }
}
