//! The store in MongoDB. One collection, `documents`:
//!
//! ```text
//! { _id: "COLLECTION/ID", revision, by, at, body: "…the JSON as text…" }
//! { _id: "COLLECTION/ID", revision, by, at, expires: … }      deleted; the database removes it a day later
//! ```
//! A body is text, so that it comes back as it was: BSON has other numbers than JSON. What was deleted keeps its
//! revision for a day, so that the document made anew is newer, whatever the managers' clocks say.

use std::time::Duration;

use cluster::Name;
use cluster::store::{Changes, Document, Key, Page, Revision, Store, StoreError, Write};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use mongodb::bson::{DateTime, doc};
use mongodb::options::{ClientOptions, IndexOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Collection, IndexModel};
use tokio::sync::{OnceCell, broadcast};
use tokio_util::task::AbortOnDropHandle;

mod own;
mod row;
mod settings;
mod watch;
mod write;

pub use own::{PrepareError, prepare};
pub use settings::Settings;

use row::Row;

/// Until there is a primary, for one question; also until a majority has a write.
const PATIENCE: Duration = Duration::from_secs(5);
/// Changes that wait for one watcher; then it reads all again.
const MAX_WAITING: usize = 256;
/// Rows of one page; more than fit into a message unless they are smaller than 4 KiB.
const MAX_ROWS: i64 = 64;

/// What no later try could mend.
#[derive(Debug, thiserror::Error)]
#[error("manager.json: `url` is not one that MongoDB's driver takes: {0}")]
pub struct MongoError(mongodb::error::Error);

/// The database; it need not be reached yet.
#[derive(Debug)]
pub struct Mongo {
    rows: Collection<Row>,
    changes: broadcast::Sender<cluster::store::Change>,
    /// Whether it is a replica set, once it was reached.
    replicated: OnceCell<bool>,
    _watcher: AbortOnDropHandle<()>,
}

impl Mongo {
    pub async fn connect(settings: &Settings) -> Result<Self, MongoError> {
        let mut options = ClientOptions::parse(settings.url.expose()).await.map_err(MongoError)?;
        options.app_name = Some("fastx-manager".into());
        options.server_selection_timeout = Some(PATIENCE);
        options.connect_timeout = Some(PATIENCE);
        options.write_concern = Some(
            WriteConcern::builder().w(mongodb::options::Acknowledgment::Majority).w_timeout(PATIENCE).build(),
        );
        options.read_concern = Some(ReadConcern::majority());
        let client = Client::with_options(options).map_err(MongoError)?;
        let rows = client.database(settings.database.as_str()).collection("documents");
        let (changes, _) = broadcast::channel(MAX_WAITING);
        let watcher = watch::watch(client, rows.clone(), changes.clone());
        let _watcher = AbortOnDropHandle::new(tokio::spawn(watcher));
        Ok(Self { rows, changes, replicated: OnceCell::new(), _watcher })
    }

    /// The newest: a primary that was just elected, or was cut off and does not know it yet, may otherwise show what
    /// was there before acknowledged writes. A database that stands alone has no others to ask.
    async fn find(&self, id: &str) -> Result<Option<Row>, StoreError> {
        let found = async {
            let concern =
                if self.is_replicated().await? { ReadConcern::linearizable() } else { ReadConcern::local() };
            self.rows.find_one(doc! { "_id": id }).read_concern(concern).max_time(PATIENCE).await
        };
        bounded(found).await
    }

    async fn is_replicated(&self) -> mongodb::error::Result<bool> {
        let asked = self.replicated.get_or_try_init(|| watch::is_replicated(self.rows.client()));
        asked.await.copied()
    }
}

/// Lets the database remove what was deleted.
async fn expire(rows: &Collection<Row>) -> mongodb::error::Result<()> {
    let options = IndexOptions::builder().expire_after(Duration::ZERO).build();
    let index = IndexModel::builder().keys(doc! { "expires": 1 }).options(options).build();
    rows.create_index(index).await.map(drop)
}

fn a_day_from_now() -> DateTime {
    DateTime::from_millis(DateTime::now().timestamp_millis() + 24 * 3600 * 1000)
}

/// A primary that is stopped answers nothing and is not known to be gone; so each question has its end here.
async fn bounded<T>(asked: impl Future<Output = mongodb::error::Result<T>>) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE + Duration::from_secs(3), asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(unreachable(&error)),
        Err(_) => Err(StoreError::Unreachable("MongoDB does not answer".into())),
    }
}

fn unreachable(error: &mongodb::error::Error) -> StoreError {
    tracing::warn!(%error, "MongoDB");
    StoreError::Unreachable(format!("MongoDB: {}", error.kind))
}

impl Store for Mongo {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Document>, StoreError>> {
        let key = key.clone();
        async move { Ok(self.find(&key.to_string()).await?.and_then(Row::into_document)) }.boxed()
    }

    fn page(&self, collection: &Name, after: Option<&Name>) -> BoxFuture<'_, Result<Page, StoreError>> {
        // `0` is the character behind `/`.
        let first = format!("{collection}/{}", after.map_or("", Name::as_str));
        let range =
            doc! { "_id": { "$gt": first, "$lt": format!("{collection}0") }, "body": { "$exists": true } };
        async move {
            // Behind this the primary is known to be one, and to know all that was acknowledged before.
            self.find("").await?;
            let rows = async {
                let found = self.rows.find(range).sort(doc! { "_id": 1 }).limit(MAX_ROWS).await?;
                found.try_collect::<Vec<Row>>().await
            };
            let rows = bounded(rows).await?;
            let whole = rows.len() < MAX_ROWS as usize;
            let mut page = Page::fill(rows.into_iter().filter_map(Row::into_document));
            page.more |= !whole;
            Ok(page)
        }
        .boxed()
    }

    fn write(&self, write: Write) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            write.check()?;
            self.compare_and_set(&write).await
        }
        .boxed()
    }

    fn watch(&self) -> BoxFuture<'_, Changes> {
        futures_util::future::ready(Changes::new(self.changes.subscribe(), None)).boxed()
    }
}
