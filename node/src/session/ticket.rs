//! One-use tickets to sessions: by one a person who is signed in at another server looks at a session of theirs here, without
//! signing in again. They are kept in memory only, by the server of the session: no other one can make or read them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use cluster::session::SessionId;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tunnel::identity::Secret;

use super::share::Invited;
use super::{Inner, SessionError, Sessions, Who, elsewhere, view};

/// From the server that is asked to the display's page, and from there to here.
pub const TICKET_LASTS: Duration = Duration::from_secs(30);
/// Of one login at a time; a page that reconnects asks for one each second. When one more comes, the oldest goes.
const MOST_OF_ONE: usize = 64;
/// Of all together, likewise.
const MOST: usize = 4096;

/// In whose name somebody looks by a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The name they signed in with; none with the portal's key.
    pub login: Option<String>,
    /// Their visit at the server where they are signed in, as that one calls it: what they opened ends with it.
    pub visit: String,
}

/// A ticket that was just made: the only time that it is told.
#[derive(Debug)]
pub struct Ticket {
    /// Where it counts.
    pub server: String,
    pub secret: Secret,
}

#[derive(Debug)]
struct Open {
    secret: Secret,
    session: SessionId,
    holder: Holder,
    who: Who,
    until: Instant,
    /// Of the visit.
    ends: Arc<CancellationToken>,
}

/// Those that count. Pure: time comes from the caller.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    open: Vec<Open>,
    /// Of visits with tickets or viewers: fires at the visit's end.
    visits: BTreeMap<String, Weak<CancellationToken>>,
}

impl Tickets {
    fn issue(&mut self, who: Who, holder: Holder, session: SessionId, now: Instant) -> Secret {
        self.open.retain(|ticket| ticket.until > now);
        self.visits.retain(|_, ends| ends.strong_count() > 0);
        let of_one = |ticket: &Open| ticket.holder.login == holder.login;
        if self.open.iter().filter(|ticket| of_one(ticket)).count() >= MOST_OF_ONE {
            self.open.remove(self.open.iter().position(of_one).unwrap_or_default());
        } else if self.open.len() >= MOST {
            self.open.remove(0);
        }
        let ends = self.visits.get(&holder.visit).and_then(Weak::upgrade).unwrap_or_default();
        self.visits.insert(holder.visit.clone(), Arc::downgrade(&ends));
        let secret = Secret::random();
        let until = now + TICKET_LASTS;
        self.open.push(Open { secret: secret.clone(), session, holder, who, until, ends });
        secret
    }

    /// The ticket, which does not count any more from now on, whether it was right or not. `known` is who shows it, if they are
    /// signed in here, too: nobody uses what was made for another login.
    fn take(
        &mut self,
        secret: &Secret,
        session: &SessionId,
        known: Option<Option<&str>>,
        now: Instant,
    ) -> Option<Open> {
        let at = self.open.iter().position(|ticket| ticket.secret.matches(secret))?;
        let ticket = self.open.remove(at);
        let is_theirs = known.is_none_or(|login| ticket.holder.login.as_deref() == login);
        (ticket.until > now && ticket.session == *session && is_theirs).then_some(ticket)
    }

    /// The visit is over.
    pub(super) fn leave(&mut self, visit: &str) {
        self.open.retain(|ticket| ticket.holder.visit != visit);
        if let Some(ends) = self.visits.remove(visit).and_then(|ends| ends.upgrade()) {
            ends.cancel();
        }
    }
}

impl Sessions {
    /// A ticket to a session of `who`, made by the server that has it.
    pub async fn ticket(&self, who: &Who, holder: Holder, id: &SessionId) -> Result<Ticket, SessionError> {
        match issue(&self.inner, who, holder.clone(), id) {
            Err(SessionError::Elsewhere { server, .. }) if holder.login.is_some() => {
                let secret = elsewhere::ticket(&self.inner, &server, holder, id).await?;
                Ok(Ticket { server, secret })
            }
            made => made.map(|secret| Ticket { server: self.inner.server_id.clone(), secret }),
        }
    }

    /// The way to the display for whoever shows this ticket. `known` is who they are here: nobody, the key's holder, or a login.
    pub async fn view_with(
        &self,
        secret: &Secret,
        id: &SessionId,
        known: Option<Option<&str>>,
    ) -> Result<Invited, SessionError> {
        let taken = self.inner.tickets().take(secret, id, known, Instant::now());
        let Open { who, ends, holder, .. } = taken.ok_or(SessionError::NoTicket)?;
        let viewing = view::view(&self.inner, &who, id).await?;
        tracing::info!(session = %id, login = holder.login, "somebody looks by a ticket");
        let ended = (*ends).clone();
        Ok(Invited { viewing: viewing.held_by(ends), ended })
    }

    /// A visit is over: whoever looks on that server by one of its tickets is sent away.
    pub async fn leave(&self, server: &str, visit: &str) -> Result<(), SessionError> {
        if server == self.inner.server_id {
            self.inner.tickets().leave(visit);
            return Ok(());
        }
        elsewhere::leave(&self.inner, server, visit).await
    }
}

/// A ticket to a session of this server.
pub(super) fn issue(
    inner: &Inner,
    who: &Who,
    holder: Holder,
    id: &SessionId,
) -> Result<Secret, SessionError> {
    let state = inner.with(who, id, |entry| entry.record.session.state)?;
    if state == cluster::session::State::Ended {
        return Err(SessionError::Ended(id.clone()));
    }
    Ok(inner.tickets().issue(who.clone(), holder, id.clone(), Instant::now()))
}

impl Inner {
    /// A panic elsewhere leaves the list whole: every change is one push or removal.
    pub(super) fn tickets(&self) -> std::sync::MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(login: &str, visit: &str) -> Holder {
        Holder { login: Some(login.into()), visit: visit.into() }
    }

    fn issued(tickets: &mut Tickets, login: &str, visit: &str, now: Instant) -> Secret {
        let who = Who::Login(login.into());
        tickets.issue(who, holder(login, visit), SessionId::new("one").unwrap(), now)
    }

    #[test]
    fn a_ticket_counts_once_in_time_for_its_session_and_its_login() {
        let (mut tickets, now) = (Tickets::default(), Instant::now());
        let [one, two] = ["one", "two"].map(|id| SessionId::new(id).unwrap());
        let late = now + TICKET_LASTS;
        type Case<'a> = (&'a SessionId, Option<Option<&'a str>>, Instant, bool);
        let cases: [Case<'_>; 6] = [
            (&one, None, now, true),
            (&one, Some(Some("alice")), late - Duration::from_millis(1), true),
            (&two, None, now, false),
            (&one, Some(Some("bob")), now, false),
            (&one, Some(None), now, false),
            (&one, None, late, false),
        ];
        for (number, (session, known, at, counts)) in cases.into_iter().enumerate() {
            let secret = issued(&mut tickets, "alice", "visit", now);
            assert!(tickets.take(&Secret::random(), &one, None, now).is_none());
            assert_eq!(tickets.take(&secret, session, known, at).is_some(), counts, "case {number}");
            assert!(tickets.take(&secret, &one, None, now).is_none(), "twice, case {number}");
        }
    }

    #[test]
    fn a_visits_end_ends_its_tickets_and_who_looks_by_them_and_no_others() {
        let (mut tickets, now) = (Tickets::default(), Instant::now());
        let id = SessionId::new("one").unwrap();
        let [used, open, other] = ["a", "a", "b"].map(|visit| issued(&mut tickets, "alice", visit, now));
        let looks = tickets.take(&used, &id, None, now).unwrap();
        tickets.leave("a");
        assert!(looks.ends.is_cancelled() && tickets.take(&open, &id, None, now).is_none());
        assert!(!tickets.take(&other, &id, None, now).unwrap().ends.is_cancelled());
        issued(&mut tickets, "alice", "c", now);
        assert_eq!(tickets.visits.len(), 1, "nobody remembers visits without tickets and viewers");
    }

    #[test]
    fn one_login_takes_no_room_from_others() {
        let (mut tickets, now) = (Tickets::default(), Instant::now());
        let id = SessionId::new("one").unwrap();
        let bobs = issued(&mut tickets, "bob", "b", now);
        let hers: Vec<_> = (0..=MOST_OF_ONE).map(|_| issued(&mut tickets, "alice", "a", now)).collect();
        assert!(tickets.take(&hers[0], &id, None, now).is_none() && tickets.open.len() == MOST_OF_ONE + 1);
        assert!(tickets.take(&hers[1], &id, None, now).is_some());
        assert!(tickets.take(&bobs, &id, None, now).is_some());
    }
}
