//! Which servers a worker has, and at which places. Pure: it says what the worker must be told.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::offer::Server;

/// What is to be put at a place; `None` empties it.
pub(super) type Change = (u32, Option<Value>);

#[derive(Debug, Default)]
pub(super) struct Table {
    places: HashMap<String, Place>,
    empty: Vec<u32>,
    /// Of the last time servers were told.
    round: u64,
}

#[derive(Debug)]
struct Place {
    at: u32,
    server: Arc<Server>,
    round: u64,
}

impl Table {
    /// The places of these servers, in their order, and what must be told before. Servers that are not among them stay for a
    /// while: chains narrow lists down.
    pub(super) fn learn(&mut self, servers: &[Arc<Server>]) -> (Vec<u32>, Vec<Change>) {
        self.round += 1;
        let mut changes = Vec::new();
        let mut at = Vec::with_capacity(servers.len());
        for server in servers {
            at.push(self.place(server, &mut changes));
        }
        if self.places.len() > 2 * servers.len() + KEPT {
            self.forget(&mut changes);
        }
        (at, changes)
    }

    fn place(&mut self, server: &Arc<Server>, changes: &mut Vec<Change>) -> u32 {
        if let Some(place) = self.places.get_mut(&server.id) {
            place.round = self.round;
            if !Arc::ptr_eq(&place.server, server) {
                place.server = Arc::clone(server);
                changes.push((place.at, Some(server.body.clone())));
            }
            return place.at;
        }
        let next = u32::try_from(self.places.len()).expect("a fleet is smaller than four billion");
        let at = self.empty.pop().unwrap_or(next);
        changes.push((at, Some(server.body.clone())));
        self.places.insert(server.id.clone(), Place { at, server: Arc::clone(server), round: self.round });
        at
    }

    /// Servers that were not named in a while.
    fn forget(&mut self, changes: &mut Vec<Change>) {
        let oldest = self.round.saturating_sub(ROUNDS);
        let empty = &mut self.empty;
        self.places.retain(|_, place| {
            let stays = place.round >= oldest;
            if !stays {
                changes.push((place.at, None));
                empty.push(place.at);
            }
            stays
        });
    }
}

/// Servers too many that do not matter.
const KEPT: usize = 64;
/// Calls after which a server that nobody named is forgotten.
const ROUNDS: u64 = 1000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(id: &str, sessions: u32) -> Arc<Server> {
        Arc::new(Server::new(json!({ "serverId": id, "sessions": sessions })).unwrap())
    }

    #[test]
    fn a_worker_is_told_what_changed_and_nothing_else() {
        let mut table = Table::default();
        let (a, b, c) = (server("a", 1), server("b", 1), server("c", 1));
        let (at, changes) = table.learn(&[a.clone(), b.clone()]);
        assert_eq!((at, changes.len()), (vec![0, 1], 2));
        assert_eq!(table.learn(&[b.clone(), a.clone()]), (vec![1, 0], vec![]));
        let b = server("b", 2);
        let (at, changes) = table.learn(&[c, b.clone()]);
        assert_eq!(at, [2, 1]);
        assert_eq!(changes.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(table.learn(&[b]), (vec![1], vec![]));
    }

    #[test]
    fn servers_that_nobody_names_are_forgotten_and_their_places_used_again() {
        let mut table = Table::default();
        let many: Vec<_> = (0..200).map(|n| server(&format!("s{n}"), 0)).collect();
        table.learn(&many);
        let one = server("one", 0);
        let forgotten: usize = (0..2000).map(|_| table.learn(std::slice::from_ref(&one)).1.len()).sum();
        assert_eq!((forgotten, table.places.len()), (201, 1));
        let (at, _) = table.learn(&many);
        assert_eq!(at.iter().collect::<std::collections::HashSet<_>>().len(), 200);
        assert!(at.iter().all(|at| *at <= 200));
    }
}
