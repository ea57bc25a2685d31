//! Compare and set.

use cluster::store::{Revision, StoreError, Write};
use jiff::Timestamp;
use mongodb::bson::doc;
use mongodb::error::{Error, ErrorKind, WriteFailure};

use super::row::Row;
use super::{Mongo, a_day_from_now, bounded};

/// Each try lost to another writer of the same document.
const MAX_TRIES: usize = 32;
/// MongoDB's code of a key that is there already.
const DUPLICATE_KEY: i32 = 11000;

impl Mongo {
    pub(super) async fn compare_and_set(&self, write: &Write) -> Result<Revision, StoreError> {
        for _ in 0..MAX_TRIES {
            let before = self.find(&write.key.to_string()).await?;
            let there = before.as_ref().and_then(Row::there);
            if !write.expect.allows(there) {
                return Err(StoreError::Conflict { there });
            }
            let newest = before.as_ref().map(|row| Revision(row.revision));
            let revision = Revision::after(newest, Timestamp::now());
            if write.body.is_none() && there.is_none() {
                return Ok(revision);
            }
            let row = row(write, revision);
            if self.set(&row, before.as_ref()).await? {
                // Told here and not only by the database: a stand-alone one tells nothing. Nobody may be watching.
                let _unheard = row.into_change().map(|change| self.changes.send(change));
                return Ok(revision);
            }
        }
        Err(StoreError::Refused("too many others write the same document".into()))
    }

    /// Whether `before` was still there to be replaced.
    async fn set(&self, row: &Row, before: Option<&Row>) -> Result<bool, StoreError> {
        let Some(before) = before else {
            let inserted = bounded_write(self.rows.insert_one(row).into_future()).await;
            return inserted.map(|done| done.is_some());
        };
        let same = doc! { "_id": &row.id, "revision": before.revision };
        let replaced = bounded(self.rows.replace_one(same, row).into_future()).await?;
        Ok(replaced.matched_count == 1)
    }
}

fn row(write: &Write, revision: Revision) -> Row {
    Row {
        id: write.key.to_string(),
        revision: revision.0,
        by: write.by.clone(),
        at: Timestamp::now(),
        body: write.body.as_ref().map(ToString::to_string),
        expires: write.body.is_none().then(a_day_from_now),
    }
}

/// `None` when another one inserted it first.
async fn bounded_write<T>(
    asked: impl Future<Output = mongodb::error::Result<T>>,
) -> Result<Option<T>, StoreError> {
    let asked = async {
        match asked.await {
            Err(error) if is_duplicate(&error) => Ok(None),
            done => done.map(Some),
        }
    };
    bounded(asked).await
}

fn is_duplicate(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Write(WriteFailure::WriteError(error)) if error.code == DUPLICATE_KEY)
}
