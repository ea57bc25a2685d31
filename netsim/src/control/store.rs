//! A store in memory that several managers share, as they share MongoDB, and that can fail.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster::Name;
use cluster::store::{Change, Changes, Document, Key, Page, Revision, Store, StoreError, Write};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::broadcast;

/// What a store on another machine takes.
const DELAY: Duration = Duration::from_millis(3);

#[derive(Debug)]
pub struct Memory {
    documents: Mutex<BTreeMap<Key, Document>>,
    changes: broadcast::Sender<Change>,
    fails: AtomicBool,
}

impl Default for Memory {
    fn default() -> Self {
        let (documents, changes) = (Mutex::default(), broadcast::channel(256).0);
        Self { documents, changes, fails: AtomicBool::new(false) }
    }
}

impl Memory {
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    async fn reached(&self) -> Result<(), StoreError> {
        tokio::time::sleep(DELAY).await;
        let fails = self.fails.load(Ordering::Relaxed);
        if fails { Err(StoreError::Unreachable("it is switched off".into())) } else { Ok(()) }
    }

    fn take(&self, write: Write) -> Result<Revision, StoreError> {
        let mut documents = self.documents.lock().expect("no panic while held");
        let there = documents.get(&write.key).map(|document| document.revision);
        if !write.expect.allows(there) {
            return Err(StoreError::Conflict { there });
        }
        let Write { key, by, body, .. } = write;
        let (at, revision) = (Timestamp::now(), Revision::after(there, Timestamp::now()));
        let change = match body {
            Some(body) => {
                let document = Document { key: key.clone(), revision, by, at, body };
                documents.insert(key, document.clone());
                Change::Written(document)
            }
            None => {
                documents.remove(&key);
                Change::Deleted { key, revision }
            }
        };
        let _unheard = self.changes.send(change);
        Ok(revision)
    }
}

impl Store for Memory {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Document>, StoreError>> {
        let key = key.clone();
        async move {
            self.reached().await?;
            Ok(self.documents.lock().expect("no panic while held").get(&key).cloned())
        }
        .boxed()
    }

    fn page(&self, collection: &Name, after: Option<&Name>) -> BoxFuture<'_, Result<Page, StoreError>> {
        let (collection, after) = (collection.clone(), after.cloned());
        async move {
            self.reached().await?;
            let documents = self.documents.lock().expect("no panic while held");
            let of = |key: &Key| {
                key.collection == collection && after.as_ref().is_none_or(|after| key.id > *after)
            };
            Ok(Page::fill(documents.values().filter(|document| of(&document.key)).cloned()))
        }
        .boxed()
    }

    fn write(&self, write: Write) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            self.reached().await?;
            self.take(write)
        }
        .boxed()
    }

    fn watch(&self) -> BoxFuture<'_, Changes> {
        std::future::ready(Changes::new(self.changes.subscribe(), None)).boxed()
    }
}
