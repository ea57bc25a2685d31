//! The store: the cluster's documents, as every member sees them. Where they are kept is the manager's business.
//!
//! What every store promises, and `manager/tests/store` tries on each:
//! - An acknowledged write is durable, and everybody who then reads sees it or a later one.
//! - A document has a revision that only grows; a write that names the revision it is based on fails when it is not the
//!   newest ([`StoreError::Conflict`]).
//! - A watcher hears of every change, or of a gap ([`Change::Gap`]), after which it lists again. It may hear of one twice, and of an
//!   older one late: the revision says which is newer.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::heard::{self, MAX_PART_DEPTH};
use crate::name::Name;

mod client;
mod wire;

pub use client::StoreClient;
pub use wire::{Answer, MAX_PAGE, Page, Question};

/// The longest body, as compact JSON: two fit into one message of the transporter.
pub const MAX_BODY: usize = 256 * 1024;

/// Where a document is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    pub collection: Name,
    pub id: Name,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.collection, self.id)
    }
}

/// Grows with every write of one document: microseconds since 1970 by the writing manager's clock, or one more than
/// before where that clock is behind. A document made anew is newer than the one that was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub i64);

impl Revision {
    /// The revision behind `before`.
    pub fn after(before: Option<Self>, now: Timestamp) -> Self {
        Self(now.as_microsecond().max(before.map_or(1, |before| before.0 + 1)))
    }
}

/// One document, as it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    pub key: Key,
    pub revision: Revision,
    /// Who wrote it: a login, or a server's id.
    pub by: String,
    pub at: Timestamp,
    pub body: Value,
}

/// What a write is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Expect {
    /// Whatever is there is replaced.
    Anything,
    /// There must be no such document.
    Absent,
    /// It must still be this one.
    Revision(Revision),
}

impl Expect {
    /// Whether a write may replace what is there.
    pub fn allows(self, there: Option<Revision>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => there.is_none(),
            Self::Revision(revision) => there == Some(revision),
        }
    }
}

/// A write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Write {
    pub key: Key,
    pub expect: Expect,
    pub by: String,
    /// `None` deletes the document.
    pub body: Option<Value>,
}

impl Write {
    /// Refuses a body that would not fit into a message, or that not everybody could read in one.
    pub fn check(&self) -> Result<(), StoreError> {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        if body.len() > MAX_BODY || self.by.len() > 256 {
            return Err(StoreError::TooLong { bytes: body.len() });
        }
        if heard::depth(body.as_bytes()) > MAX_PART_DEPTH {
            return Err(StoreError::Refused(format!("it is nested deeper than {MAX_PART_DEPTH} levels")));
        }
        Ok(())
    }
}

/// What a watcher hears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    Written(Document),
    Deleted {
        key: Key,
        revision: Revision,
    },
    /// Changes were missed, or may have been: list again.
    Gap,
}

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StoreError {
    /// Certainly not done.
    #[error("somebody else changed it meanwhile: read it again")]
    Conflict { there: Option<Revision> },
    /// Certainly not done.
    #[error("a document of {bytes} bytes is too long (at most {MAX_BODY})")]
    TooLong { bytes: usize },
    /// Certainly not done.
    #[error("the store does not take it: {0}")]
    Refused(String),
    /// May have been done.
    #[error("the store cannot be reached: {0}")]
    Unreachable(String),
}

/// The documents of a cluster.
pub trait Store: Send + Sync + std::fmt::Debug {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Document>, StoreError>>;

    /// Up to [`MAX_PAGE`] bytes of a collection, in the order of ids, from behind `after`.
    fn page(&self, collection: &Name, after: Option<&Name>) -> BoxFuture<'_, Result<Page, StoreError>>;

    /// The revision it now has; of a deletion, the one the document would have.
    fn write(&self, write: Write) -> BoxFuture<'_, Result<Revision, StoreError>>;

    /// Hears of changes from now on.
    fn watch(&self) -> BoxFuture<'_, Changes>;
}

/// A whole collection. It is not one moment's: what changes while it is read may be old or new.
pub async fn list(store: &dyn Store, collection: &Name) -> Result<Vec<Document>, StoreError> {
    let mut all = Vec::new();
    loop {
        let page = store.page(collection, all.last().map(|last: &Document| &last.key.id)).await?;
        let more = page.more && !page.documents.is_empty();
        all.extend(page.documents);
        if !more {
            return Ok(all);
        }
    }
}

/// Yields changes. What is too much for its reader becomes a gap.
#[derive(Debug)]
pub struct Changes {
    waiting: broadcast::Receiver<Change>,
    /// Ends with the watcher.
    _task: Option<tokio_util::task::AbortOnDropHandle<()>>,
}

impl Changes {
    pub fn new(
        waiting: broadcast::Receiver<Change>,
        task: Option<tokio_util::task::AbortOnDropHandle<()>>,
    ) -> Self {
        Self { waiting, _task: task }
    }

    /// Cancel-safe. A store that ended has no more changes.
    pub async fn next(&mut self) -> Change {
        match self.waiting.recv().await {
            Ok(change) => change,
            Err(broadcast::error::RecvError::Lagged(_)) => Change::Gap,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
