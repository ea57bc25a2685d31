//! What the store has.

use std::collections::BTreeMap;

use cluster::Name;
use cluster::store::{Answer, Document, Key, Question, Revision, StoreError, Write};

use super::origin::{self, Origin, Provenance};
use super::{Ask, TransferError, known};

/// A document of the store.
#[derive(Clone, Debug)]
pub(super) struct There {
    pub(super) document: Document,
    /// Of what it was uploaded from, if nobody changed it since.
    pub(super) origin: Option<Provenance>,
}

impl There {
    /// What a file with it says: the same as the one that it came from.
    pub(super) fn provenance(&self) -> Provenance {
        self.origin.clone().unwrap_or_else(|| Provenance::of(&self.document))
    }
}

/// Everything that is configuration.
pub(super) async fn read(store: &dyn Ask) -> Result<BTreeMap<Key, There>, TransferError> {
    let mut all = BTreeMap::new();
    for collection in known::collections() {
        let origins = list(store, &origin::collection(&collection)).await?;
        let origins: BTreeMap<Name, Origin> = origins
            .into_iter()
            .filter_map(|document| Some((document.key.id, serde_json::from_value(document.body).ok()?)))
            .collect();
        for document in list(store, &collection).await? {
            let origin = origins.get(&document.key.id).filter(|origin| origin.given == document.revision);
            let origin = origin.map(|origin| origin.file.clone());
            all.insert(document.key.clone(), There { document, origin });
        }
    }
    Ok(all)
}

async fn list(store: &dyn Ask, collection: &Name) -> Result<Vec<Document>, TransferError> {
    let failed = |source| TransferError::Read { collection: collection.clone(), source };
    let mut all: Vec<Document> = Vec::new();
    loop {
        let after = all.last().map(|last| last.key.id.clone());
        let asked = store.ask(Question::Page { collection: collection.clone(), after }).await;
        let Answer::Page(page) = asked.map_err(failed)? else { return Err(failed(unexpected())) };
        let more = page.more && !page.documents.is_empty();
        all.extend(page.documents);
        if !more {
            return Ok(all);
        }
    }
}

pub(super) async fn write(store: &dyn Ask, write: Write) -> Result<Revision, StoreError> {
    match store.ask(Question::Write(write)).await? {
        Answer::Written(revision) => Ok(revision),
        Answer::Failed(error) => Err(error),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> StoreError {
    StoreError::Unreachable("it answered another question".into())
}
