//! Settings: no writer loses another's change, and every member follows, also after what it could not hear.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cluster::broker::Broker;
use cluster::settings::{Edit, EditError, Record, Scope, Settings, Snapshot, What};
use cluster::store::{Expect, Store, StoreError, Write};
use cluster::transporter::Link;
use cluster::{ControlPlane, Role};
use futures_util::future::join_all;
use manager::{Folder, Keep, Manager};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::backends::mongo;
use super::contract::name;
use super::mongod::Mongod;
use super::servers::PATIENCE;
use super::servers::nats::{self, NatsServer};

fn set(scope: Scope, key: &str, text: Option<&str>) -> Edit {
    let texts = BTreeMap::from([(key.to_owned(), text.map(str::to_owned))]);
    Edit { scope, by: "alice".into(), what: What::Set(texts), expect: None }
}

fn rollback(scope: Scope, version: u64) -> Edit {
    Edit { scope, by: "alice".into(), what: What::Rollback(version), expect: None }
}

fn alone(me: &str, store: Arc<dyn Store>, folder: &Path) -> Settings {
    let plane = ControlPlane::standalone(name(me)).with_store(store);
    Settings::start(&plane, folder.join(format!("{me}.json")))
}

async fn sees(settings: &Settings, what: impl FnMut(&Arc<Snapshot>) -> bool) -> Arc<Snapshot> {
    let mut watch = settings.watch();
    timeout(PATIENCE, watch.wait_for(what)).await.expect("the snapshot comes").unwrap().clone()
}

fn seconds(snapshot: &Snapshot) -> u64 {
    snapshot.values.drain_time.as_secs()
}

async fn global(store: &dyn Store) -> Record {
    let document = store.get(&Scope::Global.key(&name("any"))).await.unwrap().unwrap();
    serde_json::from_value(document.body).unwrap()
}

/// Eight servers, five changes each, of two settings: what is acknowledged is in the history, once, and the history is
/// the values.
async fn of_many_writers_none_is_lost(store: Arc<dyn Store>) {
    let folder = tempfile::tempdir().unwrap();
    let servers: Vec<Settings> =
        (0..8).map(|server| alone(&format!("s{server}"), Arc::clone(&store), folder.path())).collect();
    let writing = servers.iter().enumerate().map(async |(server, settings)| {
        let mut versions = Vec::new();
        for change in 0..5 {
            let number = 200 + server * 5 + change;
            let (key, text) = if change % 2 == 0 {
                ("drainTime", format!("{number}s"))
            } else {
                ("historyLength", number.to_string())
            };
            versions.push(settings.edit(&set(Scope::Global, key, Some(&text))).await.unwrap().version);
        }
        versions
    });
    let mut versions: Vec<u64> = join_all(writing).await.into_iter().flatten().collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=40).collect::<Vec<_>>());
    let record = global(&*store).await;
    assert_eq!((record.version, record.history.len()), (40, 40));
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for change in record.history.iter().flat_map(|version| &version.changes) {
        assert_eq!(values.get(&change.key), change.before.as_ref());
        values.insert(change.key.clone(), change.after.clone().unwrap());
    }
    assert_eq!(values, record.values);
    assert_eq!(record.values_at(0), Some(BTreeMap::new()));
    for settings in &servers {
        let snapshot = sees(settings, |now| now.documents.global.record == record).await;
        assert!(snapshot.ignored.is_empty());
    }
}

async fn what_is_set_counts_and_can_be_gone_back_to(store: Arc<dyn Store>) {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|me| alone(me, Arc::clone(&store), folder.path()));
    let before = one.edit(&set(Scope::Global, "drainTime", Some("50s"))).await.unwrap().version;
    one.edit(&set(Scope::Local, "drainTime", Some("60 s"))).await.unwrap();
    // Its own word is there at once; the other server has the global one.
    assert_eq!(seconds(&one.now()), 60);
    sees(&two, |now| seconds(now) == 50).await;
    let edited = one.edit(&set(Scope::Global, "drainTime", None)).await.unwrap();
    let change = edited.change.unwrap();
    assert_eq!((change.by.as_str(), change.version), ("alice@one", before + 1));
    assert_eq!(
        (change.changes[0].before.as_ref(), change.changes[0].after.as_ref()),
        (Some(&json!("50s")), None)
    );
    let edited = two.edit(&rollback(Scope::Global, before)).await.unwrap();
    assert_eq!((edited.version, edited.change.unwrap().rollback), (before + 2, Some(before)));
    assert_eq!(seconds(&two.now()), 50);
    assert_eq!(two.edit(&rollback(Scope::Global, before)).await.unwrap().change, None);
    for (edit, says) in [
        (set(Scope::Global, "drainTiem", Some("1s")), "no setting `drainTiem`"),
        (set(Scope::Global, "drainTime", Some("1")), "is not a time from 0s to 1day"),
        (set(Scope::Local, "historyLength", Some("5")), "cannot be set for one server"),
        (rollback(Scope::Local, 99), "version 99 of the local settings is not known: 0 to"),
        (Edit { expect: Some(before), ..set(Scope::Global, "drainTime", Some("1s")) }, "not at"),
    ] {
        let error = two.edit(&edit).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Folder::open(folder.path()).unwrap());
    of_many_writers_none_is_lost(Arc::clone(&store)).await;
    what_is_set_counts_and_can_be_gone_back_to(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_mongodb() {
    let mongod = Mongod::started(None);
    let store: Arc<dyn Store> = Arc::new(mongo(&mongod.url()).await);
    of_many_writers_none_is_lost(Arc::clone(&store)).await;
    what_is_set_counts_and_can_be_gone_back_to(store).await;
}

async fn plane(me: &str, role: Role, broker: &Broker) -> ControlPlane {
    let plane = ControlPlane::connect(name(me), role, broker).await.unwrap();
    let mut link = plane.transporter.link();
    timeout(PATIENCE, link.wait_for(Link::is_up)).await.expect("the broker is reached").unwrap();
    plane
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_follow_over_nats_and_know_the_last_word_without_it() {
    let mut server = NatsServer::started("nats-server", nats::TOKEN);
    let broker = server.broker(nats::token());
    let folder = tempfile::tempdir().unwrap();
    let file = |me: &str| folder.path().join(format!("{me}.json"));
    let managing = plane("manager", Role::Manager, &broker).await;
    let manager = Manager::start(&Keep::Folder, &folder.path().join("store"), &managing).await.unwrap();
    let (one, two) = (plane("one", Role::Member, &broker).await, plane("two", Role::Member, &broker).await);
    let [one, two_] = [(&one, "one"), (&two, "two")].map(|(plane, me)| Settings::start(plane, file(me)));
    sees(&two_, |now| now.behind.is_none()).await;
    one.edit(&set(Scope::Global, "drainTime", Some("41s"))).await.unwrap();
    sees(&two_, |now| seconds(now) == 41).await;

    server.process().kill();
    let behind = sees(&two_, |now| now.behind.is_some()).await;
    assert_eq!(seconds(&behind), 41);
    let refused = one.edit(&set(Scope::Global, "drainTime", Some("1s"))).await.unwrap_err();
    assert!(matches!(refused, EditError::Store(StoreError::Unreachable(_))), "{refused}");
    // A start without a broker has the last word from its file.
    drop(two_);
    let two_ = Settings::start(&two, file("two"));
    assert_eq!(seconds(&two_.now()), 41);
    assert!(two_.now().behind.is_some());
    // Meanwhile the manager writes; nobody can hear it.
    let key = Scope::Global.key(&managing.me);
    let mut record = global(&*manager.store()).await;
    record.values.insert("drainTime".into(), json!("42s"));
    record.version += 1;
    let body = Some(serde_json::to_value(&record).unwrap());
    let write = Write { key: key.clone(), expect: Expect::Anything, by: "test".into(), body };
    manager.store().write(write.clone()).await.unwrap();
    server.start();
    for member in [&one, &two_] {
        sees(member, |now| seconds(now) == 42 && now.behind.is_none()).await;
    }

    // What is no record changes nothing; and the next that is one counts.
    manager.store().write(Write { body: Some(json!("?")), ..write.clone() }).await.unwrap();
    let unreadable = one.edit(&set(Scope::Global, "drainTime", Some("1s"))).await.unwrap_err();
    assert!(matches!(unreadable, EditError::Damaged { .. }), "{unreadable}");
    assert_eq!(seconds(&one.now()), 42);
    manager.store().write(Write { body: None, ..write }).await.unwrap();
    sees(&one, |now| seconds(now) == 30).await;
    one.edit(&set(Scope::Global, "drainTime", Some("43s"))).await.unwrap();
    sees(&two_, |now| seconds(now) == 43).await;
}
