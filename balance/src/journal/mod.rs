//! The last decisions, and what they were made of: to see why a server was chosen, and what another plan would have chosen.

mod replay;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use replay::{Different, Replayed, replay};

use crate::chain::{Outcome, Trace};
use crate::offer::Offered;
use crate::request::{Moment, Request};

/// Decisions that are kept.
pub const MAX_ENTRIES: usize = 1000;
/// What the servers of all of them may take, in bytes of JSON. Decisions share the servers that did not change between them.
const MAX_SERVERS: usize = 64 << 20;

/// One decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts decisions since the service started.
    pub number: u64,
    pub at: Timestamp,
    /// Of the plan.
    pub version: u64,
    pub request: Request,
    pub moment: Moment,
    pub trace: Trace,
    /// What the shadow plan would have chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Outcome>,
}

/// An entry with the servers it was made of; the oldest ones have lost theirs.
#[derive(Clone, Debug)]
pub struct Kept {
    pub entry: Entry,
    pub servers: Option<Offered>,
    /// Of servers that the entry before it does not have.
    bytes: usize,
}

/// A ring. Bounded by number and by size.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    kept: VecDeque<Kept>,
    bytes: usize,
    count: u64,
}

impl Journal {
    /// Returns its number.
    pub fn add(
        &self,
        at: Timestamp,
        version: u64,
        asked: (Request, Moment),
        trace: Trace,
        servers: Offered,
    ) -> u64 {
        let mut inner = self.lock();
        inner.count += 1;
        let (number, (request, moment)) = (inner.count, asked);
        let bytes = inner.news(&servers);
        inner.bytes += bytes;
        let entry = Entry { number, at, version, request, moment, trace, shadow: None };
        inner.kept.push_back(Kept { entry, servers: Some(servers), bytes });
        inner.shrink();
        number
    }

    /// What the shadow plan said about an entry that is still there.
    pub fn shadow(&self, number: u64, outcome: Outcome) {
        let mut inner = self.lock();
        if let Some(kept) = inner.kept.iter_mut().rev().find(|kept| kept.entry.number == number) {
            kept.entry.shadow = Some(outcome);
        }
    }

    /// The newest `count`, the oldest of them first.
    pub fn last(&self, count: usize) -> Vec<Kept> {
        let inner = self.lock();
        inner.kept.iter().skip(inner.kept.len().saturating_sub(count)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Bytes of servers that the newest entry does not have at the same place.
    fn news(&self, servers: &Offered) -> usize {
        let before = self.kept.back().and_then(|kept| kept.servers.as_ref());
        let known = |n: usize| before.and_then(|before| before.get(n));
        let news = servers
            .iter()
            .enumerate()
            .filter(|(n, server)| !known(*n).is_some_and(|old| Arc::ptr_eq(old, server)));
        news.map(|(_, server)| server.body.to_string().len()).sum()
    }

    fn shrink(&mut self) {
        if self.kept.len() > MAX_ENTRIES
            && let Some(gone) = self.kept.pop_front()
            && gone.servers.is_some()
        {
            self.bytes -= gone.bytes;
        }
        while self.bytes > MAX_SERVERS {
            let Some(oldest) = self.kept.iter_mut().find(|kept| kept.servers.is_some()) else { break };
            oldest.servers = None;
            self.bytes -= oldest.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::offer::renew;
    use crate::request::Action;

    fn add(journal: &Journal, servers: Offered) -> u64 {
        let trace = Trace {
            outcome: Outcome::ServerId("a".into()),
            not_offered: BTreeMap::new(),
            substitute: false,
            steps: Vec::new(),
        };
        let asked = (Request::of(Action::Start, "alice", "a"), Moment { now: 0, utc_offset: 0, seed: 0 });
        journal.add(Timestamp::UNIX_EPOCH, 1, asked, trace, servers)
    }

    #[test]
    fn the_last_thousand_are_kept_and_share_their_servers() {
        let journal = Journal::default();
        let servers = renew(&[], vec![json!({ "serverId": "a", "long": "x".repeat(1 << 20) })]);
        for _ in 0..1100 {
            add(&journal, servers.clone());
        }
        let last = journal.last(usize::MAX);
        assert_eq!((last.len(), last[0].entry.number, last[999].entry.number), (1000, 101, 1100));
        assert!(last.iter().all(|kept| kept.servers.is_some()), "they are all the same megabyte");
        journal.shadow(1100, Outcome::ServerId("b".into()));
        journal.shadow(1, Outcome::ServerId("b".into()));
        let newest = &journal.last(1)[0].entry;
        assert_eq!((newest.number, &newest.shadow), (1100, &Some(Outcome::ServerId("b".into()))));
    }

    #[test]
    fn the_oldest_lose_their_servers_when_all_are_too_large() {
        let journal = Journal::default();
        for n in 0..100 {
            add(&journal, renew(&[], vec![json!({ "serverId": "a", "n": n, "long": "x".repeat(1 << 20) })]));
        }
        let last = journal.last(usize::MAX);
        let with = last.iter().filter(|kept| kept.servers.is_some()).count();
        assert_eq!((last.len(), with), (100, 63));
        assert!(last[37].servers.is_some() && last[36].servers.is_none());
        assert!(journal.lock().bytes <= MAX_SERVERS);
    }
}
