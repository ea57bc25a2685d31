//! What every store promises: on its own, and asked by a member through the managers' service.

use std::sync::Arc;
use std::time::Duration;

use cluster::Name;
use cluster::store::{Change, Changes, Expect, Key, MAX_BODY, Revision, Store, StoreError, Write, list};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::servers::PATIENCE;

pub(crate) fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

pub(crate) fn key(collection: &str, id: &str) -> Key {
    Key { collection: name(collection), id: name(id) }
}

pub(crate) fn write(key: &Key, expect: Expect, body: Value) -> Write {
    Write { key: key.clone(), expect, by: "test".into(), body: Some(body) }
}

fn delete(key: &Key, expect: Expect) -> Write {
    Write { key: key.clone(), expect, by: "test".into(), body: None }
}

pub(crate) async fn keeps_the_contract(store: Arc<dyn Store>) {
    what_is_written_is_read(&*store).await;
    a_write_on_an_old_revision_is_refused(&*store).await;
    a_deleted_document_made_anew_is_newer(&*store).await;
    of_many_who_count_none_is_lost(&store).await;
    a_long_collection_comes_whole_and_in_order(&*store).await;
    what_is_too_long_is_refused(&*store).await;
    a_watcher_hears_of_every_change(&*store).await;
}

async fn what_is_written_is_read(store: &dyn Store) {
    let key = key("config", "motd@EXAMPLE.org");
    assert_eq!(store.get(&key).await, Ok(None));
    // What BSON and sloppy code change: big and small numbers, `$`, `.`, `__proto__`, order, nesting, no value.
    let body = json!({ "big": u64::MAX, "small": i64::MIN, "float": 1.0, "$set": { "a.b": [null, "\u{0}\u{1F5A5}"] },
        "__proto__": {}, "": [], "text": "“Ärger”" });
    let revision = store.write(write(&key, Expect::Absent, body.clone())).await.unwrap();
    let read = store.get(&key).await.unwrap().unwrap();
    assert_eq!((read.revision, read.by.as_str()), (revision, "test"));
    assert_eq!((read.key, read.body.to_string()), (key, body.to_string()));
}

async fn a_write_on_an_old_revision_is_refused(store: &dyn Store) {
    let key = key("config", "cas");
    let first = store.write(write(&key, Expect::Absent, json!(1))).await.unwrap();
    let conflict = Err(StoreError::Conflict { there: Some(first) });
    assert_eq!(store.write(write(&key, Expect::Absent, json!(2))).await, conflict);
    let second = store.write(write(&key, Expect::Revision(first), json!(2))).await.unwrap();
    assert!(second > first);
    let conflict = Err(StoreError::Conflict { there: Some(second) });
    assert_eq!(store.write(write(&key, Expect::Revision(first), json!(3))).await, conflict);
    assert_eq!(store.write(delete(&key, Expect::Revision(first))).await, conflict);
    assert_eq!(store.get(&key).await.unwrap().unwrap().body, json!(2));
    assert!(store.write(write(&key, Expect::Anything, json!(4))).await.unwrap() > second);
}

async fn a_deleted_document_made_anew_is_newer(store: &dyn Store) {
    let key = key("config", "phoenix");
    let first = store.write(write(&key, Expect::Absent, json!(1))).await.unwrap();
    let deleted = store.write(delete(&key, Expect::Revision(first))).await.unwrap();
    assert_eq!(store.get(&key).await, Ok(None));
    assert!(!list(store, &key.collection).await.unwrap().iter().any(|document| document.key == key));
    let stale = store.write(write(&key, Expect::Revision(first), json!(2))).await;
    assert_eq!(stale, Err(StoreError::Conflict { there: None }));
    store.write(delete(&key, Expect::Absent)).await.unwrap();
    let anew = store.write(write(&key, Expect::Absent, json!(3))).await.unwrap();
    assert!(anew > deleted && deleted > first, "{first:?} {deleted:?} {anew:?}");
}

async fn of_many_who_count_none_is_lost(store: &Arc<dyn Store>) {
    let key = key("counters", "one");
    store.write(write(&key, Expect::Absent, json!(0))).await.unwrap();
    let counting = (0..8).map(|_| {
        let (store, key) = (Arc::clone(store), key.clone());
        tokio::spawn(async move {
            for _ in 0..10 {
                count(&*store, &key).await;
            }
        })
    });
    join_all(counting).await.into_iter().for_each(|counted| counted.unwrap());
    assert_eq!(store.get(&key).await.unwrap().unwrap().body, json!(80));
}

/// Adds one, as often as it takes.
pub(crate) async fn count(store: &dyn Store, key: &Key) -> Revision {
    loop {
        let read = store.get(key).await.unwrap().unwrap();
        let next = json!(read.body.as_u64().unwrap() + 1);
        match store.write(write(key, Expect::Revision(read.revision), next)).await {
            Ok(revision) => return revision,
            Err(StoreError::Conflict { there }) => assert_ne!(there, Some(read.revision)),
            Err(error) => panic!("{error}"),
        }
    }
}

async fn a_long_collection_comes_whole_and_in_order(store: &dyn Store) {
    let collection = name("long");
    // 150 of 8 KiB are several pages, in rows and in bytes; the neighbours' names are as near as names can be.
    let body = json!("x".repeat(8 * 1024));
    for id in 0..150 {
        let key = Key { collection: collection.clone(), id: name(&format!("id{id:04}")) };
        store.write(write(&key, Expect::Absent, body.clone())).await.unwrap();
    }
    for neighbour in ["long.", "long0", "lon", "long+"] {
        store.write(write(&key(neighbour, "a"), Expect::Absent, json!(0))).await.unwrap();
    }
    let ids: Vec<String> =
        list(store, &collection).await.unwrap().iter().map(|document| document.key.id.to_string()).collect();
    assert_eq!(ids, (0..150).map(|id| format!("id{id:04}")).collect::<Vec<_>>());
    assert_eq!(list(store, &name("none")).await, Ok(Vec::new()));
}

async fn what_is_too_long_is_refused(store: &dyn Store) {
    let key = key("config", "long");
    let longest = json!("x".repeat(MAX_BODY - 2));
    for _ in 0..2 {
        store.write(write(&key, Expect::Anything, longest.clone())).await.unwrap();
    }
    let longer = store.write(write(&key, Expect::Anything, json!("x".repeat(MAX_BODY - 1)))).await;
    assert_eq!(longer, Err(StoreError::TooLong { bytes: MAX_BODY + 1 }));
    assert_eq!(store.get(&key).await.unwrap().unwrap().body, longest);
    assert!(list(store, &key.collection).await.unwrap().iter().any(|document| document.key == key));
}

async fn a_watcher_hears_of_every_change(store: &dyn Store) {
    let key = key("watched", "one");
    let mut changes = store.watch().await;
    let revision = store.write(write(&key, Expect::Absent, json!("first"))).await.unwrap();
    let heard = hears(&mut changes, store, &key, revision).await;
    assert!(matches!(heard, Some(Change::Written(document)) if document.body == json!("first")));
    let revision = store.write(delete(&key, Expect::Anything)).await.unwrap();
    let heard = hears(&mut changes, store, &key, revision).await;
    assert!(matches!(heard, Some(Change::Deleted { .. }) | None), "{heard:?}");
}

/// Until a change of this revision is told; or `None` when a gap was told and reading shows that revision.
pub(crate) async fn hears(
    changes: &mut Changes,
    store: &dyn Store,
    key: &Key,
    awaited: Revision,
) -> Option<Change> {
    loop {
        let change = timeout(PATIENCE, changes.next()).await.expect("the change is told");
        match &change {
            Change::Written(document) if document.key == *key && document.revision == awaited => {
                return Some(change);
            }
            Change::Deleted { key: deleted, revision } if deleted == key && *revision == awaited => {
                return Some(change);
            }
            Change::Gap if store.get(key).await.unwrap().is_none_or(|read| read.revision == awaited) => {
                // The change itself may still come, and is what the test is about.
                if let Ok(Change::Written(document)) = timeout(Duration::from_secs(2), changes.next()).await
                    && document.revision == awaited
                {
                    return Some(Change::Written(document));
                }
                return store.get(key).await.unwrap().map(Change::Written);
            }
            _ => {}
        }
    }
}
