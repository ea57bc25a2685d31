//! Hears of changes: from a change stream where the database has one, else by looking.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::store::Change;
use futures_util::TryStreamExt;
use mongodb::bson::doc;
use mongodb::change_stream::event::{ChangeStreamEvent, OperationType, ResumeToken};
use mongodb::error::Result;
use mongodb::options::FullDocumentType;
use mongodb::{Client, Collection};
use tokio::sync::broadcast::Sender;

use super::expire;
use super::row::Row;

/// A stand-alone mongod has no change streams: this often what others changed is looked for. Members have heard of it
/// already, from the manager that changed it.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const AFTER_A_FAULT: Duration = Duration::from_secs(1);

/// Watches for ever, through every fault of the database.
pub(super) async fn watch(client: Client, rows: Collection<Row>, changes: Sender<Change>) {
    let mut seen = Seen::default();
    loop {
        if let Err(error) = follow(&client, &rows, &changes, &mut seen).await {
            tracing::warn!(%error, "changes in MongoDB cannot be followed");
        }
        tokio::time::sleep(AFTER_A_FAULT).await;
    }
}

/// Up to where changes were told.
#[derive(Debug, Default)]
struct Seen {
    /// In a replica set.
    token: Option<ResumeToken>,
    /// Of a stand-alone database: every id and its revision, once it was looked at.
    revisions: Option<BTreeMap<String, i64>>,
}

async fn follow(
    client: &Client,
    rows: &Collection<Row>,
    changes: &Sender<Change>,
    seen: &mut Seen,
) -> Result<()> {
    let replicated = is_replicated(client).await?;
    expire(rows).await?;
    if replicated {
        stream(rows, changes, &mut seen.token).await
    } else {
        loop {
            look(rows, changes, &mut seen.revisions).await?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

pub(super) async fn is_replicated(client: &Client) -> Result<bool> {
    let hello = client.database("admin").run_command(doc! { "hello": 1 }).await?;
    Ok(hello.contains_key("setName"))
}

/// Goes on behind `token`. When the database does not know it any more, watchers are told of a gap.
async fn stream(
    rows: &Collection<Row>,
    changes: &Sender<Change>,
    token: &mut Option<ResumeToken>,
) -> Result<()> {
    let resume = token.take();
    let gap = resume.is_none();
    let watched = rows.watch().full_document(FullDocumentType::UpdateLookup);
    let mut events = match resume {
        Some(token) => watched.start_after(token).await?,
        None => watched.await?,
    };
    if gap {
        tell(changes, Change::Gap);
    }
    *token = events.resume_token();
    loop {
        let next = events.try_next().await;
        // Also after an error: this is up to where events were told.
        *token = events.resume_token();
        match next {
            Ok(Some(event)) => tell(changes, change(event)),
            Ok(None) => return Ok(()),
            Err(error) => {
                if !is_passing(&error) {
                    *token = None;
                }
                return Err(error);
            }
        }
    }
}

/// Whether the stream may go on behind its token: the database was away, and has not forgotten.
fn is_passing(error: &mongodb::error::Error) -> bool {
    use mongodb::error::ErrorKind;
    matches!(
        &*error.kind,
        ErrorKind::Io(_) | ErrorKind::ServerSelection { .. } | ErrorKind::ConnectionPoolCleared { .. }
    )
}

/// What is not a write of ours is a gap: somebody removed or renamed by hand, or the day of a deleted one is over.
fn change(event: ChangeStreamEvent<Row>) -> Change {
    match event.operation_type {
        OperationType::Insert | OperationType::Replace | OperationType::Update => {
            event.full_document.and_then(Row::into_change).unwrap_or(Change::Gap)
        }
        _ => Change::Gap,
    }
}

/// Tells what is new since the last look.
async fn look(
    rows: &Collection<Row>,
    changes: &Sender<Change>,
    seen: &mut Option<BTreeMap<String, i64>>,
) -> Result<()> {
    let all: Vec<(String, i64)> = revisions(rows).await?;
    let Some(known) = seen else {
        *seen = Some(all.into_iter().collect());
        tell(changes, Change::Gap);
        return Ok(());
    };
    let news = all.iter().filter(|(id, revision)| known.get(id) != Some(revision)).cloned();
    let news: Vec<(String, i64)> = news.collect();
    for (id, revision) in news {
        if let Some(row) = rows.find_one(doc! { "_id": &id }).await? {
            tell(changes, row.into_change().unwrap_or(Change::Gap));
        }
        known.insert(id, revision);
    }
    // A row goes a day after its deletion was told, or by hand.
    let gone = known.len() != all.len();
    if gone {
        *known = all.into_iter().collect();
        tell(changes, Change::Gap);
    }
    Ok(())
}

async fn revisions(rows: &Collection<Row>) -> Result<Vec<(String, i64)>> {
    #[derive(serde::Deserialize)]
    struct Line {
        #[serde(rename = "_id")]
        id: String,
        revision: i64,
    }
    let lines = rows.clone_with_type::<Line>();
    let lines = lines.find(doc! {}).projection(doc! { "revision": 1 }).await?;
    lines.map_ok(|Line { id, revision }| (id, revision)).try_collect().await
}

fn tell(changes: &Sender<Change>, change: Change) {
    // Nobody may be watching.
    let _unheard = changes.send(change);
}
