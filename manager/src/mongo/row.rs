//! A document as MongoDB has it.

use cluster::Name;
use cluster::store::{Change, Document, Key, Revision};
use jiff::Timestamp;
use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) revision: i64,
    pub(super) by: String,
    pub(super) at: Timestamp,
    /// JSON; none when it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<DateTime>,
}

impl Row {
    /// `None` for what was deleted, and for what somebody else put there.
    pub(super) fn into_document(self) -> Option<Document> {
        let key = self.key()?;
        let body = serde_json::from_str(self.body.as_ref()?).ok()?;
        Some(Document { key, revision: Revision(self.revision), by: self.by, at: self.at, body })
    }

    pub(super) fn into_change(self) -> Option<Change> {
        match self.body {
            Some(_) => self.into_document().map(Change::Written),
            None => Some(Change::Deleted { key: self.key()?, revision: Revision(self.revision) }),
        }
    }

    /// The revision of a document that is there.
    pub(super) fn there(&self) -> Option<Revision> {
        self.body.as_ref().map(|_| Revision(self.revision))
    }

    fn key(&self) -> Option<Key> {
        let (collection, id) = self.id.split_once('/')?;
        Some(Key { collection: Name::new(collection).ok()?, id: Name::new(id).ok()? })
    }
}
