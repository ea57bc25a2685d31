//! All servers at one moment, and what of it is worth keeping. Pure: time comes from the caller.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::{Duration, Instant};

use cluster::Name;
use cluster::membership::{LOST_AFTER, Members, Standing};
use cluster::server::{Listed, REVOCATIONS, Server};
use cluster::store::{Key, Revision};
use jiff::{SignedDuration, Timestamp};

use super::SERVERS;

/// How much too old `lastSeen` may be when all managers ended at the same time.
const REFRESH: SignedDuration = SignedDuration::from_mins(10);
/// As many as a membership table takes.
const MAX_SERVERS: usize = 20_000;

/// One moment by both clocks.
pub(super) type Now = (Instant, Timestamp);

#[derive(Debug)]
pub(super) struct Table {
    servers: BTreeMap<Name, Known>,
    revoked: BTreeSet<Name>,
    /// When this manager began to listen.
    began: Instant,
}

#[derive(Debug, Default)]
struct Known {
    /// What it said last, and when; from the store, until it is heard.
    server: Option<(Server, Timestamp)>,
    kept: Option<Kept>,
}

/// What the store has of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Kept {
    standing: Standing,
    last_seen: Timestamp,
    revision: Revision,
}

impl Table {
    pub(super) fn new(began: Instant) -> Self {
        Self { servers: BTreeMap::new(), revoked: BTreeSet::new(), began }
    }

    /// A server described itself.
    pub(super) fn describe(&mut self, name: Name, server: Server, now: Timestamp) {
        if self.servers.len() < MAX_SERVERS || self.servers.contains_key(&name) {
            self.servers.entry(name).or_default().server = Some((server, now));
        }
    }

    /// The store has this of a server.
    pub(super) fn remember(&mut self, name: Name, listed: Listed, revision: Revision) {
        let known = self.servers.entry(name).or_default();
        if known.kept.is_some_and(|kept| kept.revision > revision) {
            return;
        }
        let Listed { standing, last_seen, server } = listed;
        known.kept = Some(Kept { standing, last_seen, revision });
        // Another manager may have heard it later than this one did.
        if known.server.as_ref().is_none_or(|(_, heard)| *heard < last_seen) {
            known.server = Some((server, last_seen));
        }
    }

    /// The store has these and no others: what it had of others was deleted unheard.
    pub(super) fn kept_only(&mut self, there: &BTreeSet<Name>) {
        self.servers.retain(|name, known| known.kept.is_none() || there.contains(name));
    }

    pub(super) fn deleted(&mut self, key: &Key) {
        match key.collection.as_str() {
            SERVERS => drop(self.servers.remove(&key.id)),
            REVOCATIONS => drop(self.revoked.remove(&key.id)),
            _ => {}
        }
    }

    pub(super) fn revoke(&mut self, name: Name) {
        self.revoked.insert(name);
    }

    pub(super) fn revoked(&mut self, all: BTreeSet<Name>) {
        self.revoked = all;
    }

    fn standing(&self, name: &Name, members: &Members, now: Instant) -> Standing {
        if self.revoked.contains(name) {
            return Standing::Revoked;
        }
        if let Some(standing) = members.standing(name, now) {
            return standing;
        }
        // Not heard since this manager began: it may only not have answered yet.
        let kept = self.servers.get(name).and_then(|known| known.kept).map(|kept| kept.standing);
        match kept {
            Some(standing @ (Standing::Lost | Standing::Left)) => standing,
            _ if now.saturating_duration_since(self.began) >= LOST_AFTER => Standing::Lost,
            _ => Standing::Late,
        }
    }

    /// How one stands, and when it was heard last; `None` for who is not known.
    fn row(&self, name: &Name, members: &Members, (now, wall): Now) -> Option<(Standing, Timestamp)> {
        let said = self.servers.get(name).and_then(|known| known.server.as_ref());
        let beat = members.silent(name, now).map(|silent| ago(wall, silent));
        let last_seen = beat.into_iter().chain(said.map(|(_, at)| *at)).max()?;
        Some((self.standing(name, members, now), last_seen))
    }

    pub(super) fn one(&self, name: &Name, members: &Members, now: Now) -> Option<Listed> {
        let (standing, last_seen) = self.row(name, members, now)?;
        let said = self.servers.get(name).and_then(|known| known.server.as_ref());
        let server = said.map_or_else(|| Server::named(name), |(server, _)| server.clone());
        Some(Listed { standing, last_seen, server })
    }

    fn names<'a>(&'a self, members: &'a Members, now: Instant) -> BTreeSet<&'a Name> {
        members.all(now).map(|(name, ..)| name).chain(self.servers.keys()).collect()
    }

    /// Everybody behind `after`, in the order of ids.
    pub(super) fn all<'a>(
        &'a self,
        after: Option<&Name>,
        members: &'a Members,
        now: Now,
    ) -> impl Iterator<Item = Listed> + use<'a> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = self.names(members, now.0);
        let names: Vec<&Name> = names.range::<Name, _>((from, Bound::Unbounded)).copied().collect();
        names.into_iter().filter_map(move |name| self.one(name, members, now))
    }

    /// What is worth keeping now, with the revision it replaces: who is new, who stands otherwise than the store says,
    /// and whose `lastSeen` there is old. At most `most` of them.
    pub(super) fn worth_keeping(
        &self,
        members: &Members,
        now: Now,
        most: usize,
    ) -> Vec<(Name, Listed, Option<Revision>)> {
        let worth = |name: &Name| {
            let (standing, last_seen) = self.row(name, members, now)?;
            let kept = self.servers.get(name).and_then(|known| known.kept);
            let news = kept.is_none_or(|kept| {
                kept.standing != standing || last_seen.duration_since(kept.last_seen) >= REFRESH
            });
            // Who was not heard since this manager began is only waited for.
            let settled = members.standing(name, now.0).is_some() || standing != Standing::Late;
            let listed = (news && settled).then(|| self.one(name, members, now))??;
            Some((name.clone(), listed, kept.map(|kept| kept.revision)))
        };
        self.names(members, now.0).into_iter().filter_map(worth).take(most).collect()
    }
}

fn ago(wall: Timestamp, silent: Duration) -> Timestamp {
    let silent = SignedDuration::try_from(silent).unwrap_or(SignedDuration::ZERO);
    wall.checked_sub(silent).unwrap_or(wall)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
