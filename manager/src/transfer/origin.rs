//! Where a document came from: what its file said of it before a store gave it a revision of its own.

use cluster::Name;
use cluster::store::{Document, Expect, Key, Revision, Write};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const PREFIX: &str = "origins.";

/// What a file says of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Provenance {
    pub(super) revision: Revision,
    pub(super) by: String,
    pub(super) at: Timestamp,
}

/// Kept beside a document that was uploaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Origin {
    /// The revision that the store gave it. With another one somebody changed it since.
    pub(super) given: Revision,
    pub(super) file: Provenance,
}

impl Provenance {
    pub(super) fn of(document: &Document) -> Self {
        let Document { revision, by, at, .. } = document.clone();
        Self { revision, by, at }
    }
}

impl Origin {
    pub(super) fn write(&self, of: &Key, by: &str) -> Write {
        let body = serde_json::to_value(self).expect("it is numbers and texts");
        Write { key: key(of), expect: Expect::Anything, by: by.to_owned(), body: Some(body) }
    }
}

/// Where the origin of a document is.
pub(super) fn key(of: &Key) -> Key {
    Key { collection: collection(&of.collection), id: of.id.clone() }
}

pub(super) fn collection(of: &Name) -> Name {
    Name::new(&format!("{PREFIX}{of}")).expect("the collections that are moved have short names")
}

/// The collection that a collection of origins is about.
pub(super) fn about(collection: &str) -> Option<&str> {
    collection.strip_prefix(PREFIX)
}
