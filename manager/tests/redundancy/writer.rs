//! A member that counts a document up through the managers, each time on the revision before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::Name;
use cluster::store::{Expect, Key, Store, StoreError, Write};
use serde_json::json;
use tokio_util::task::AbortOnDropHandle;

use super::servers::PATIENCE;

pub(crate) struct Writer {
    store: Arc<dyn Store>,
    acknowledged: Arc<AtomicU64>,
    task: AbortOnDropHandle<()>,
}

fn key() -> Key {
    Key { collection: Name::new("history").unwrap(), id: Name::new("count").unwrap() }
}

impl Writer {
    pub(crate) fn start(store: Arc<dyn Store>) -> Self {
        let acknowledged = Arc::new(AtomicU64::new(0));
        let task = AbortOnDropHandle::new(tokio::spawn(count(Arc::clone(&store), Arc::clone(&acknowledged))));
        Self { store, acknowledged, task }
    }

    /// Until five more writes are acknowledged.
    pub(crate) async fn goes_on(&self, when: &str) {
        let (began, before) = (Instant::now(), self.acknowledged.load(Ordering::Relaxed));
        while self.acknowledged.load(Ordering::Relaxed) < before + 5 {
            assert!(!self.task.is_finished(), "an acknowledged write was lost when {when}");
            assert!(began.elapsed() < 2 * PATIENCE, "no writes when {when}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("{when}: writes go on after {:?}", began.elapsed());
    }

    pub(crate) async fn lost_nothing(self) {
        self.task.abort();
        let document = self.store.get(&key()).await.unwrap().unwrap();
        assert!(document.body.as_u64().unwrap() >= self.acknowledged.load(Ordering::Relaxed));
    }
}

/// Panics when the store shows less than it acknowledged.
async fn count(store: Arc<dyn Store>, acknowledged: Arc<AtomicU64>) {
    loop {
        let (value, expect) = match store.get(&key()).await {
            Ok(Some(document)) => (document.body.as_u64().unwrap(), Expect::Revision(document.revision)),
            Ok(None) => (0, Expect::Absent),
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        assert!(value >= acknowledged.load(Ordering::Relaxed), "{value} is older than what was acknowledged");
        let write = Write { key: key(), expect, by: "test".into(), body: Some(json!(value + 1)) };
        match store.write(write).await {
            Ok(_) => acknowledged.store(value + 1, Ordering::Relaxed),
            // Whether it was done shows when it is read again.
            Err(StoreError::Unreachable(_) | StoreError::Conflict { .. }) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}
