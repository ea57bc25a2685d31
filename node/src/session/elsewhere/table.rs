//! What the other servers said of their sessions last. Pure: time comes from the caller.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cluster::session::{Session, Told};

use crate::session::MOST_SESSIONS;

/// A server that told nothing for so long is lost, and what it told with it: three tellings and some.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(200);
/// As many as a cluster has members.
const MOST_SERVERS: usize = 20_000;
/// 512 sessions of 14 KB in parts of 256 KB, and some.
const MOST_PARTS: u32 = 64;
/// Of one server: those that run, and those that ended and are still shown.
const MOST_HEARD: usize = 4 * MOST_SESSIONS;

#[derive(Debug, Default)]
pub(in crate::session) struct Table {
    servers: BTreeMap<String, Heard>,
}

#[derive(Debug)]
struct Heard {
    at: Instant,
    generation: i64,
    sessions: Vec<Session>,
    /// The parts of a newer telling, until all are there.
    parts: BTreeMap<u32, Vec<Session>>,
    coming: i64,
}

impl Table {
    /// Takes what `server` told; says whether the list is another now.
    pub(super) fn take(&mut self, server: &str, told: Told, now: Instant) -> bool {
        let Told { generation, part, parts, mut sessions, .. } = told;
        if parts == 0 || parts > MOST_PARTS || part >= parts {
            return false;
        }
        if self.servers.len() >= MOST_SERVERS && !self.servers.contains_key(server) {
            return false;
        }
        // A server speaks for its own only.
        sessions.iter_mut().for_each(|session| session.server_id = server.to_owned());
        let heard = self.servers.entry(server.to_owned()).or_insert_with(|| Heard {
            at: now,
            generation: i64::MIN,
            sessions: Vec::new(),
            parts: BTreeMap::new(),
            coming: i64::MIN,
        });
        heard.at = now;
        if generation < heard.generation.max(heard.coming) {
            return false;
        }
        if generation > heard.coming {
            heard.coming = generation;
            heard.parts.clear();
        }
        let others = heard.parts.iter().filter(|(other, _)| **other != part);
        if others.map(|(_, sessions)| sessions.len()).sum::<usize>() + sessions.len() > MOST_HEARD {
            return false;
        }
        heard.parts.insert(part, sessions);
        if heard.parts.len() < parts as usize {
            return false;
        }
        let whole: Vec<Session> = std::mem::take(&mut heard.parts).into_values().flatten().collect();
        heard.generation = generation;
        let differs = heard.sessions != whole;
        heard.sessions = whole;
        differs
    }

    /// Lets go of servers that are silent; says whether the list is another now.
    pub(super) fn forget(&mut self, now: Instant) -> bool {
        let before = self.all().count();
        self.servers.retain(|_, heard| now.saturating_duration_since(heard.at) < FORGOTTEN_AFTER);
        self.all().count() != before
    }

    pub(in crate::session) fn all(&self) -> impl Iterator<Item = &Session> {
        self.servers.values().flat_map(|heard| &heard.sessions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::session::SessionId;

    fn told(generation: i64, part: u32, parts: u32, ids: &[&str]) -> Told {
        let session = |id: &&str| Session {
            id: SessionId::new(id).unwrap(),
            server_id: "somebody-else".into(),
            ..Session::default()
        };
        let sessions = ids.iter().map(session).collect();
        Told { server_id: "a".into(), generation, part, parts, sessions }
    }

    fn ids(table: &Table) -> Vec<String> {
        table.all().map(|session| format!("{}/{}", session.server_id, session.id)).collect()
    }

    #[test]
    fn the_newest_whole_telling_counts_and_nobody_speaks_for_others() {
        let (mut table, now) = (Table::default(), Instant::now());
        assert!(table.take("a", told(1, 0, 1, &["one"]), now));
        assert_eq!(ids(&table), ["a/one"]);
        assert!(!table.take("a", told(2, 0, 2, &["two"]), now), "half of it");
        assert_eq!(ids(&table), ["a/one"]);
        assert!(!table.take("a", told(1, 0, 1, &["old"]), now), "late");
        assert!(table.take("a", told(2, 1, 2, &["three"]), now));
        assert_eq!(ids(&table), ["a/two", "a/three"]);
        assert!(!table.take("a", told(3, 0, 0, &[]), now) && !table.take("a", told(3, 5, 2, &[]), now));
        assert!(table.take("b", told(1, 0, 1, &["four"]), now));
        assert!(!table.take("b", told(2, 0, 1, &["four"]), now), "nothing new");
        assert!(table.take("a", told(4, 0, 1, &[]), now));
        assert_eq!(ids(&table), ["b/four"]);
    }

    #[test]
    fn a_silent_server_is_forgotten() {
        let (mut table, now) = (Table::default(), Instant::now());
        table.take("a", told(1, 0, 1, &["one"]), now);
        table.take("b", told(1, 0, 1, &["two"]), now + FORGOTTEN_AFTER / 2);
        assert!(!table.forget(now + FORGOTTEN_AFTER / 2));
        assert!(table.forget(now + FORGOTTEN_AFTER));
        assert_eq!(ids(&table), ["b/two"]);
    }
}
