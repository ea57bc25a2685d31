//! What happens to MongoDB: no acknowledged write is lost, and no stale one wins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::store::{Expect, Key, Revision, Store, StoreError};
use serde_json::json;
use tokio::task::JoinHandle;

use super::backends::mongo;
use super::contract::{hears, key, write};
use super::mongod::Mongod;
use super::servers::PATIENCE;

/// What one writer knows of its own document.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Acknowledged.
    last: u64,
    revision: Revision,
    /// Not acknowledged: may have been done or not.
    tried: u64,
}

/// Counts a document of its own up, each time on the revision before, until it is told to end.
fn writer(store: Arc<dyn Store>, key: Key, end: Arc<std::sync::atomic::AtomicBool>) -> JoinHandle<Known> {
    tokio::spawn(async move {
        let revision = store.write(write(&key, Expect::Absent, json!(0))).await.unwrap();
        let mut known = Known { last: 0, revision, tried: 0 };
        while !end.load(std::sync::atomic::Ordering::Relaxed) {
            known.tried += 1;
            match store.write(write(&key, Expect::Revision(known.revision), json!(known.tried))).await {
                Ok(revision) => known = Known { last: known.tried, revision, tried: known.tried },
                Err(StoreError::Unreachable(_) | StoreError::Conflict { .. }) => {
                    known = read(&*store, &key, known).await
                }
                Err(error) => panic!("{error}"),
            }
        }
        known
    })
}

/// What is there must be what was acknowledged last, or what was tried without an answer.
async fn read(store: &dyn Store, key: &Key, known: Known) -> Known {
    let began = Instant::now();
    loop {
        match store.get(key).await {
            Ok(Some(document)) => {
                let body = document.body.as_u64().unwrap();
                assert!(known.last <= body && body <= known.tried, "{known:?} became {body}");
                return Known { last: body, revision: document.revision, tried: known.tried };
            }
            Ok(None) => panic!("an acknowledged document is lost"),
            Err(error) => assert!(began.elapsed() < 2 * PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[derive(Debug)]
struct Writers {
    store: Arc<dyn Store>,
    end: Arc<std::sync::atomic::AtomicBool>,
    writers: Vec<(Key, JoinHandle<Known>)>,
}

impl Writers {
    fn start(store: Arc<dyn Store>) -> Self {
        let end = Arc::default();
        let writer = |id| {
            let key = key("history", &format!("writer{id}"));
            (key.clone(), writer(Arc::clone(&store), key, Arc::clone(&end)))
        };
        Self { writers: (0..4).map(writer).collect(), end: Arc::clone(&end), store }
    }

    /// Until each of them has written `more` than now; every one still goes.
    async fn until_written(&self, more: u64) {
        let began = Instant::now();
        for (key, _) in &self.writers {
            let before = self.count(key).await;
            while self.count(key).await < before + more {
                assert!(began.elapsed() < 2 * PATIENCE, "writes do not resume");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn count(&self, key: &Key) -> u64 {
        let read = self.store.get(key).await.ok().flatten();
        read.and_then(|document| document.body.as_u64()).unwrap_or(0)
    }

    /// Ends them, and looks whether all they were told is there.
    async fn check(self) {
        self.end.store(true, std::sync::atomic::Ordering::Relaxed);
        for (key, writer) in self.writers {
            let known = writer.await.unwrap();
            read(&*self.store, &key, known).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_mongod_alone_loses_nothing_acknowledged() {
    let mut mongod = Mongod::started(None);
    let store = Arc::new(mongo(&mongod.url()).await);
    let mut changes = store.watch().await;
    let writers = Writers::start(store.clone());
    for _ in 0..2 {
        writers.until_written(20).await;
        mongod.process().kill();
        mongod.start();
    }
    writers.until_written(20).await;
    writers.check().await;
    // And changes are told again, also those of another manager.
    let other = mongo(&mongod.url()).await;
    let key = key("history", "afterwards");
    let revision = other.write(write(&key, Expect::Absent, json!(1))).await.unwrap();
    assert!(hears(&mut changes, &*store, &key, revision).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_set_goes_on_without_its_primary() {
    let mut members = [0, 1, 2].map(|_| Mongod::started(Some("rs")));
    let [one, two, three] = &members;
    one.initiate(&[one, two, three]).await;
    let store = Arc::new(mongo(&one.url()).await);
    let mut changes = store.watch().await;
    let writers = Writers::start(store.clone());
    writers.until_written(20).await;
    let primary = primary(&members).await;
    members[primary].process().kill();
    writers.until_written(20).await;
    members[primary].start();
    writers.until_written(20).await;
    writers.check().await;
    let other = mongo(&members[(primary + 1) % 3].url()).await;
    let key = key("history", "afterwards");
    let revision = other.write(write(&key, Expect::Absent, json!(1))).await.unwrap();
    assert!(hears(&mut changes, &*store, &key, revision).await.is_some());
}

async fn primary(members: &[Mongod; 3]) -> usize {
    let began = Instant::now();
    loop {
        for (index, member) in members.iter().enumerate() {
            if member.is_primary().await {
                return index;
            }
        }
        assert!(began.elapsed() < PATIENCE, "no primary");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_database_the_store_says_so_and_comes_back() {
    let mut mongod = Mongod::started(None);
    let store = mongo(&mongod.url()).await;
    mongod.process().kill();
    let key = key("config", "one");
    let lost = store.write(write(&key, Expect::Absent, json!(1))).await;
    assert!(matches!(&lost, Err(StoreError::Unreachable(why)) if why.contains("MongoDB")), "{lost:?}");
    mongod.start();
    let began = Instant::now();
    while store.write(write(&key, Expect::Anything, json!(2))).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "it does not come back");
    }
    assert_eq!(store.get(&key).await.unwrap().unwrap().body, json!(2));
}
