//! Writers, what they were told, and whether that is a history that a store may have.
//!
//! All of them count one document up, each write based on the revision it read. So every write that took effect has a
//! number of its own, one more than the one it replaced; what was acknowledged must have happened, and what was not may.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cluster::Name;
use cluster::store::{Expect, Key, Revision, Store, StoreError, Write};
use serde_json::json;
use tokio::task::JoinSet;

use super::servers::PATIENCE;

/// One write that was acknowledged.
#[derive(Clone, Debug)]
struct Acknowledged {
    number: u64,
    revision: Revision,
    at: Instant,
}

#[derive(Debug)]
pub(crate) struct History {
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
    end: Arc<AtomicBool>,
    writers: JoinSet<()>,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn key(id: &str) -> Key {
    Key { collection: name("config"), id: name(id) }
}

fn counter() -> Key {
    key("counter")
}

impl History {
    /// One writer for each store, which is as a member has it.
    pub(crate) fn start(stores: &[Arc<dyn Store>]) -> Self {
        let (acknowledged, end) = (Arc::default(), Arc::default());
        let mut writers = JoinSet::new();
        for (writer, store) in stores.iter().enumerate() {
            let (acknowledged, end) = (Arc::clone(&acknowledged), Arc::clone(&end));
            writers.spawn(write(writer, Arc::clone(store), acknowledged, end));
        }
        Self { acknowledged, end, writers }
    }

    /// How many writes were acknowledged.
    pub(crate) fn len(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Until so many more are acknowledged; says how long that took.
    pub(crate) async fn goes_on(&self, more: usize) -> Duration {
        let (began, before) = (Instant::now(), self.len());
        while self.len() < before + more {
            assert!(began.elapsed() < 2 * PATIENCE, "writes do not resume");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        began.elapsed()
    }

    /// The longest time without an acknowledgement.
    pub(crate) fn longest_pause(&self) -> Duration {
        let all = self.acknowledged.lock().unwrap();
        all.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap_or_default()
    }

    /// Ends the writers and goes through all they were told; `store` is asked what is there now.
    pub(crate) async fn check(mut self, store: &dyn Store) {
        self.end.store(true, Ordering::Relaxed);
        while let Some(ended) = self.writers.join_next().await {
            ended.unwrap();
        }
        let all = self.acknowledged.lock().unwrap().clone();
        let last = eventually(store).await;
        let mut by_number = BTreeMap::new();
        for one in &all {
            if let Some(other) = by_number.insert(one.number, one.clone()) {
                panic!("a stale write won: {one:?} and {other:?} replaced the same document");
            }
        }
        let ordered: Vec<_> = by_number.values().collect();
        for pair in ordered.windows(2) {
            assert!(pair[0].revision < pair[1].revision, "revisions go backwards: {pair:?}");
        }
        let newest = ordered.last().expect("something was acknowledged");
        assert!(newest.number <= last.0, "{newest:?} is lost: {} is there", last.0);
        assert!(newest.number < last.0 || newest.revision == last.1, "{newest:?} became {last:?}");
    }
}

/// The number and the revision that are there.
async fn eventually(store: &dyn Store) -> (u64, Revision) {
    let began = Instant::now();
    loop {
        match store.get(&counter()).await {
            Ok(Some(document)) => return (document.body["number"].as_u64().unwrap(), document.revision),
            Ok(None) => panic!("an acknowledged document is lost"),
            Err(error) => assert!(began.elapsed() < 2 * PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn write(
    writer: usize,
    store: Arc<dyn Store>,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
    end: Arc<AtomicBool>,
) {
    while !end.load(Ordering::Relaxed) {
        // About as often as a cluster of some thousand sessions writes.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let (number, expect) = match store.get(&counter()).await {
            Ok(Some(there)) => (there.body["number"].as_u64().unwrap() + 1, Expect::Revision(there.revision)),
            Ok(None) => (1, Expect::Absent),
            Err(StoreError::Unreachable(_)) => continue,
            Err(error) => panic!("{error}"),
        };
        let body = Some(json!({ "number": number, "by": writer }));
        let write = Write { key: counter(), expect, by: format!("writer{writer}"), body };
        match store.write(write).await {
            Ok(revision) => {
                let one = Acknowledged { number, revision, at: Instant::now() };
                acknowledged.lock().unwrap().push(one);
            }
            Err(StoreError::Conflict { .. } | StoreError::Unreachable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
