//! All servers, in parts that are copied one by one: a view shares with the next one all that did not change. Of 10,000
//! servers a change copies some forty, where it copied them all.

use std::collections::HashMap;
use std::sync::Arc;

use tunnel::ServerId;

use super::Server;

const PARTS: usize = 256;
/// FNV-1a.
const BASIS: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

type Part<L> = HashMap<ServerId, Arc<Server<L>>>;

/// Server by id; a clone is cheap and does not change.
#[derive(Clone, Debug)]
pub(super) struct Table<L> {
    parts: Vec<Arc<Part<L>>>,
}

impl<L> Default for Table<L> {
    fn default() -> Self {
        let empty = Arc::new(Part::new());
        Self { parts: vec![empty; PARTS] }
    }
}

fn part(id: &ServerId) -> usize {
    let hash = id.as_str().bytes().fold(BASIS, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
    hash as usize % PARTS
}

impl<L: Clone> Table<L> {
    pub(super) fn get(&self, id: &ServerId) -> Option<&Arc<Server<L>>> {
        self.parts[part(id)].get(id)
    }

    /// In no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &Arc<Server<L>>> {
        self.parts.iter().flat_map(|part| part.values())
    }

    /// The server, to be changed; views that were taken before keep it as it was.
    pub(super) fn get_mut(&mut self, id: &ServerId) -> Option<&mut Server<L>> {
        self.get(id)?;
        Arc::make_mut(&mut self.parts[part(id)]).get_mut(id).map(Arc::make_mut)
    }

    pub(super) fn insert(&mut self, server: Server<L>) {
        let part = Arc::make_mut(&mut self.parts[part(&server.id)]);
        part.insert(server.id.clone(), Arc::new(server));
    }

    pub(super) fn remove(&mut self, id: &ServerId) -> Option<Arc<Server<L>>> {
        self.get(id)?;
        Arc::make_mut(&mut self.parts[part(id)]).remove(id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::Registry;
    use super::super::tests::{Fake, at, id, registration};
    use super::*;

    #[test]
    fn a_change_copies_one_part_and_shares_the_others() {
        let mut registry = Registry::default();
        for server in 0..1000 {
            let tunnel = Fake::new(&format!("t{server}"));
            registry.register(registration(&format!("s{server}"), 1), tunnel, at(1)).unwrap();
        }
        let before = registry.servers.clone();
        registry.remove(&id("s7"), "t7", at(2));
        let after = registry.servers;
        assert_eq!((before.values().count(), after.values().count()), (1000, 1000));
        assert!(before.get(&id("s7")).unwrap().is_healthy() && !after.get(&id("s7")).unwrap().is_healthy());
        let changed = before.parts.iter().zip(&after.parts).filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert_eq!(changed, 1);
    }

    #[test]
    fn servers_are_spread_over_the_parts() {
        let names =
            |prefix: &str| (0..1000).map(|n| part(&id(&format!("{prefix}{n}")))).collect::<HashSet<_>>();
        for prefix in ["node-", "compute-node.example.org-"] {
            assert!(names(prefix).len() > 200, "{prefix}: {}", names(prefix).len());
        }
    }
}
