//! The store of a server that stands alone: a folder with one JSON file for each document.
//!
//! ```text
//! store/COLLECTION/ID.json        the document
//! store/COLLECTION/.ID.previous   the one before it, in case the disk damages the newest
//! store/.lock                     held by the one process that has the store
//! ```

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cluster::Name;
use cluster::store::{Change, Changes, Document, Key, Page, Revision, Store, StoreError, Write};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;
use tokio::sync::broadcast;

mod disk;
mod lock;

pub(crate) use disk::{Disk, Written};
pub(crate) use lock::Lock;

/// All of them are in memory: at 4 KiB each, 400 MiB.
const MAX_DOCUMENTS: usize = 100_000;
/// Changes that wait for one watcher; then it reads all again.
const MAX_WAITING: usize = 256;

/// Why the folder cannot be the store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the store in {} is in use by another process; next: stop it, or choose another folder", .0.display())]
    InUse(PathBuf),
    #[error("cannot read the store in {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

/// A folder of documents. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    disk: Disk,
    documents: Mutex<BTreeMap<Key, Document>>,
    /// One write at a time; `documents` is not held while the disk works.
    writing: Mutex<()>,
    changes: broadcast::Sender<Change>,
    damaged: Vec<PathBuf>,
    _lock: Lock,
}

impl Folder {
    /// Reads the whole store. A file that is damaged is put aside, and the document before it taken.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Read { path: path.to_owned(), source };
        let disk = Disk::new(path).map_err(failed)?;
        let lock = File::create(path.join(".lock")).map_err(failed)?;
        let lock = Lock::take(lock).ok_or_else(|| OpenError::InUse(path.to_owned()))?;
        let (documents, damaged) = disk.load().map_err(failed)?;
        let (changes, _) = broadcast::channel(MAX_WAITING);
        let (documents, writing) = (Mutex::new(documents), Mutex::default());
        Ok(Self(Arc::new(Inner { disk, documents, writing, changes, damaged, _lock: lock })))
    }

    /// Files that were damaged when the store was opened, where they were put.
    pub fn damaged(&self) -> &[PathBuf] {
        &self.0.damaged
    }
}

impl Inner {
    fn documents(&self) -> MutexGuard<'_, BTreeMap<Key, Document>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, write: Write) -> Result<Revision, StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (there, count) = {
            let documents = self.documents();
            (documents.get(&write.key).map(|document| document.revision), documents.len())
        };
        if !write.expect.allows(there) {
            return Err(StoreError::Conflict { there });
        }
        if there.is_none() && count >= MAX_DOCUMENTS {
            return Err(StoreError::Refused(format!("it is full: {MAX_DOCUMENTS} documents")));
        }
        let Write { key, by, body, .. } = write;
        let (at, revision) = (Timestamp::now(), Revision::after(there, Timestamp::now()));
        match body {
            Some(body) => self.save(Document { key, revision, by, at, body })?,
            None if there.is_none() => {}
            None => self.remove(key, revision)?,
        }
        Ok(revision)
    }

    fn save(&self, document: Document) -> Result<(), StoreError> {
        if let Err(error) = self.disk.save(&document) {
            return Err(self.reread(&document.key, Some(document.revision), &error));
        }
        self.documents().insert(document.key.clone(), document.clone());
        // Nobody may be watching.
        let _unheard = self.changes.send(Change::Written(document));
        Ok(())
    }

    fn remove(&self, key: Key, revision: Revision) -> Result<(), StoreError> {
        if let Err(error) = self.disk.remove(&key) {
            return Err(self.reread(&key, None, &error));
        }
        self.documents().remove(&key);
        let _unheard = self.changes.send(Change::Deleted { key, revision });
        Ok(())
    }

    /// After a failed write what the disk has is what is: the last step may have failed behind the change.
    fn reread(&self, key: &Key, intended: Option<Revision>, error: &dyn Display) -> StoreError {
        tracing::error!(%key, %error, "the store cannot write");
        let there = self.disk.read(key);
        let done = there.as_ref().map(|document| document.revision) == intended;
        let mut documents = self.documents();
        match there {
            Some(document) => drop(documents.insert(key.clone(), document)),
            None => drop(documents.remove(key)),
        }
        drop(documents);
        let _unheard = self.changes.send(Change::Gap);
        if done { StoreError::Unreachable(error.to_string()) } else { StoreError::Refused(error.to_string()) }
    }
}

impl Store for Folder {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Document>, StoreError>> {
        ready(Ok(self.0.documents().get(key).cloned())).boxed()
    }

    fn page(&self, collection: &Name, after: Option<&Name>) -> BoxFuture<'_, Result<Page, StoreError>> {
        let documents = self.0.documents();
        let key = |id: &Name| Key { collection: collection.clone(), id: id.clone() };
        let from = match after {
            Some(id) => Bound::Excluded(key(id)),
            // No name is before it.
            None => Bound::Included(key(&Name::new("0").expect("a digit is a name"))),
        };
        let rest = documents.range((from, Bound::Unbounded)).map(|(_, document)| document);
        let rest = rest.take_while(|document| document.key.collection == *collection).cloned();
        ready(Ok(Page::fill(rest))).boxed()
    }

    fn write(&self, write: Write) -> BoxFuture<'_, Result<Revision, StoreError>> {
        let inner = Arc::clone(&self.0);
        async move {
            write.check()?;
            // A write that was begun is finished, also when nobody waits for it any more.
            let written = tokio::task::spawn_blocking(move || inner.write(write)).await;
            written.unwrap_or_else(|panic| Err(StoreError::Unreachable(panic.to_string())))
        }
        .boxed()
    }

    fn watch(&self) -> BoxFuture<'_, Changes> {
        ready(Changes::new(self.0.changes.subscribe(), None)).boxed()
    }
}
