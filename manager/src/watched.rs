//! The store, and whether it works: what reads and writes came to last.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::Name;
use cluster::store::{Changes, Document, Expect, Key, Page, Revision, Store, StoreError, Write};
use cluster::transporter::Link;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

/// Between two looks whether a store that failed works again.
const AGAIN: Duration = Duration::from_secs(5);
/// Whoever wants to know whether the store takes a write has a document there: `fastx doctor` too.
const TRIAL: &str = "doctor";

/// A store that remembers how it is.
#[derive(Debug)]
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    failed: Mutex<Failed>,
    link: watch::Sender<Link>,
}

/// A disk that is full can be read, so each is known for itself.
#[derive(Debug, Default)]
struct Failed {
    read: Option<String>,
    write: Option<String>,
}

impl Watched {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let failed = Failed { read: Some("not read yet".into()), write: None };
        let link = watch::Sender::new(Link::Down { since: Timestamp::now(), why: "not read yet".into() });
        Self { store, failed: Mutex::new(failed), link }
    }

    /// Up while neither a read nor a write failed.
    pub(crate) fn link(&self) -> Link {
        self.link.borrow().clone()
    }

    /// Tries what failed until it works again, for ever. `me` writes.
    pub(crate) async fn try_again(self: Arc<Self>, me: Name) {
        let mut link = self.link.subscribe();
        let key = Key { collection: Name::new(TRIAL).expect("letters are a name"), id: me };
        while link.wait_for(|link| !link.is_up()).await.is_ok() {
            tokio::time::sleep(AGAIN).await;
            let _noted = self.get(&key).await;
            if self.failed().write.is_some() {
                let write =
                    |body| Write { key: key.clone(), expect: Expect::Anything, by: key.id.to_string(), body };
                if self.write(write(Some(json!({ "tried": Timestamp::now() })))).await.is_ok() {
                    let _noted = self.write(write(None)).await;
                }
            }
        }
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Failed> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(
        &self,
        outcome: Result<T, StoreError>,
        of: fn(&mut Failed) -> &mut Option<String>,
    ) -> Result<T, StoreError> {
        let mut failed = self.failed();
        match &outcome {
            Ok(_) => *of(&mut failed) = None,
            // It was looked at, and nothing was tried.
            Err(StoreError::Conflict { .. } | StoreError::TooLong { .. }) => {}
            Err(error) => *of(&mut failed) = Some(error.to_string()),
        }
        let why = failed.read.as_ref().or(failed.write.as_ref());
        self.link.send_if_modified(|link| turn(link, why));
        outcome
    }
}

/// `since` stays while only the reason changes.
fn turn(link: &mut Link, why: Option<&String>) -> bool {
    let next = match (&*link, why) {
        (Link::Up { .. }, None) => return false,
        (Link::Down { .. }, None) => Link::Up { since: Timestamp::now() },
        (Link::Up { .. }, Some(why)) => Link::Down { since: Timestamp::now(), why: why.clone() },
        (Link::Down { since, .. }, Some(why)) => Link::Down { since: *since, why: why.clone() },
    };
    let changed = *link != next;
    *link = next;
    changed
}

impl Store for Watched {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Document>, StoreError>> {
        let read = self.store.get(key);
        async move { self.note(read.await, |failed| &mut failed.read) }.boxed()
    }

    fn page(&self, collection: &Name, after: Option<&Name>) -> BoxFuture<'_, Result<Page, StoreError>> {
        let read = self.store.page(collection, after);
        async move { self.note(read.await, |failed| &mut failed.read) }.boxed()
    }

    fn write(&self, write: Write) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            // What is wrong with the document says nothing about the store.
            write.check()?;
            self.note(self.store.write(write).await, |failed| &mut failed.write)
        }
        .boxed()
    }

    fn watch(&self) -> BoxFuture<'_, Changes> {
        self.store.watch()
    }
}

#[cfg(test)]
#[path = "watched_tests.rs"]
mod tests;
