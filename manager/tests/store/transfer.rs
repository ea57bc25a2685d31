//! Configuration is moved from a folder into a store and back: the same byte for byte, also when it was broken off anywhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cluster::store::{Answer, Expect, Key, Question, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use manager::Folder;
use manager::transfer::{Act, Ask, Options, Plan, TransferError, download, upload};
use serde_json::{Value, json};

use super::backends::mongo;
use super::contract::{key, write};
use super::mongod::Mongod;

const LOOK: Options = Options { dry_run: true, force: false };
const DO: Options = Options { dry_run: false, force: false };
const FORCE: Options = Options { dry_run: false, force: true };

/// A store that is lost after some questions.
struct Breaks<'a> {
    store: &'a dyn Store,
    left: AtomicUsize,
}

impl Ask for Breaks<'_> {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, StoreError>> {
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        async move {
            match left {
                Ok(_) => self.store.ask(question).await,
                Err(_) => Err(StoreError::Unreachable("the test broke it off".into())),
            }
        }
        .boxed()
    }
}

async fn bring(store: &dyn Store, folder: &Path, options: Options) -> Plan {
    upload(&store, folder, "alice", options, &mut |_, _, _| {}).await.unwrap()
}

async fn fetch(store: &dyn Store, folder: &Path, options: Options) -> Plan {
    download(&store, folder, options, &mut |_, _, _| {}).await.unwrap()
}

/// Everything that is not a store's own affair.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for collection in ["bookmarks", "settings", "settings.local"] {
        let Ok(entries) = std::fs::read_dir(folder.join(collection)) else { continue };
        for entry in entries.map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if !name.starts_with('.') {
                files.insert(format!("{collection}/{name}"), std::fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

fn record(seconds: u64) -> Value {
    json!({ "version": 1, "values": { "drainTime": format!("{seconds}s") }, "history": [] })
}

async fn put(store: &dyn Store, key: &Key, body: Value) {
    store.write(write(key, Expect::Anything, body)).await.unwrap();
}

/// The store of a server that stood alone, with what JSON has of odd values.
async fn alone(folder: &Path) {
    let store = Folder::open(folder).unwrap();
    put(&store, &key("settings", "global"), record(50)).await;
    put(&store, &key("settings.local", "node-1"), record(60)).await;
    let odd = json!({ "command": "xterm “ä\u{1F5A5}”", "name": "", "z": [1.0, 1e300, -0.0, u64::MAX, null], "a": {} });
    put(&store, &key("bookmarks", "xterm@EXAMPLE.org"), odd).await;
    put(&store, &key("bookmarks", "plain"), json!({ "command": "true" })).await;
    put(&store, &key("servers", "node-1"), json!({ "not": "configuration" })).await;
}

async fn goes_there_and_back(store: &dyn Store) {
    let folder = tempfile::tempdir().unwrap();
    let [from, back] = ["from", "back"].map(|name| folder.path().join(name));
    alone(&from).await;
    let looked = bring(store, &from, LOOK).await;
    assert!(!looked.done && looked.count(Act::Add) == 4, "{looked:?}");
    assert_eq!(looked.skipped[0].what, "servers/");
    assert!(looked.steps.iter().any(|step| step.diff.contains(&"+ values.drainTime \"50s\"".to_owned())));
    assert_eq!(store.get(&key("settings", "global")).await, Ok(None));
    // Broken off at every question once; each time it goes on from there.
    let mut breaks = 0;
    loop {
        let ask = Breaks { store, left: breaks.into() };
        match upload(&ask, &from, "alice", DO, &mut |_, _, _| {}).await {
            Ok(plan) => {
                assert!(plan.done);
                break;
            }
            Err(error) => assert!(matches!(error, TransferError::Store { .. } | TransferError::Read { .. })),
        }
        breaks += 1;
    }
    assert!(breaks > 6, "it was broken off at {breaks} places only");
    let again = bring(store, &from, DO).await;
    assert_eq!((again.count(Act::Keep), again.steps.len()), (4, 4));
    fetch(store, &back, DO).await;
    assert_eq!(files(&back), files(&from));
    assert_eq!(files(&back).len(), 4);
    // It is a store.
    let there = Folder::open(&back).unwrap().get(&key("settings", "global")).await.unwrap().unwrap();
    assert_eq!((there.by.as_str(), there.body), ("test", record(50)));
}

async fn what_is_newer_is_replaced_by_force_only(store: &dyn Store) {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    alone(&old).await;
    let global = key("settings", "global");
    bring(store, &old, FORCE).await;
    put(store, &global, record(70)).await;
    put(&Folder::open(&old).unwrap(), &key("bookmarks", "plain"), json!({ "command": "false" })).await;
    let refused = bring(store, &old, DO).await;
    assert_eq!((refused.count(Act::Newer), refused.count(Act::Change), refused.done), (1, 1, false));
    assert_eq!(store.get(&global).await.unwrap().unwrap().body, record(70));
    let plain = store.get(&key("bookmarks", "plain")).await.unwrap().unwrap();
    assert_eq!(plain.body, json!({ "command": "true" }), "of a plan that is refused nothing is done");

    // The other way: a folder that has something newer, or something that nobody can read.
    fetch(store, &new, DO).await;
    put(&Folder::open(&new).unwrap(), &global, record(80)).await;
    put(store, &key("settings.local", "node-1"), record(61)).await;
    assert_eq!(fetch(store, &new, DO).await.count(Act::Newer), 1);
    std::fs::write(new.join("settings/global.json"), "{").unwrap();
    let refused = fetch(store, &new, DO).await;
    assert!(
        refused.steps.iter().any(|step| step.newer.as_ref().is_some_and(|by| by.contains("cannot be read")))
    );
    assert!(fetch(store, &new, FORCE).await.done);
    let forced = Folder::open(&new).unwrap();
    assert_eq!(forced.get(&global).await.unwrap().unwrap().body, record(70));
    let in_use = download(&store, &new, FORCE, &mut |_, _, _| {}).await.unwrap_err();
    assert!(matches!(in_use, TransferError::InUse(_)), "{in_use}");

    assert!(bring(store, &old, FORCE).await.done);
    assert_eq!(store.get(&global).await.unwrap().unwrap().body, record(50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    goes_there_and_back(&store).await;
    what_is_newer_is_replaced_by_force_only(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_mongodb() {
    let mongod = Mongod::started(None);
    let store = mongo(&mongod.url()).await;
    goes_there_and_back(&store).await;
    what_is_newer_is_replaced_by_force_only(&store).await;
}

#[tokio::test]
async fn files_of_the_original_product_are_taken_as_far_as_they_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(&folder.path().join("store")).unwrap();
    let from = folder.path().join("from");
    std::fs::create_dir(&from).unwrap();
    let bookmarks = concat!(
        r#"{"_id":"gone","data":{"name":"Gone","command":"true"}}"#,
        "\n",
        r#"{"_id":"xterm","data":{"name":"xterm","command":"xterm -ls","geometry":"rootless"}}"#,
        "\n",
        r#"{"$$indexCreated":{"fieldName":"name"}}"#,
        "\n\n",
        r#"{"_id":"gone","$$deleted":true}"#,
        "\n",
        r#"{"_id":"xterm","data":{"name":"xterm","command":"xterm","geometry":"rootless","icon":""}}"#,
        "\n",
        r#"{"_id":"bad name","data":{"command":"x"}}"#,
        "\n",
        r#"{"_id":"empty","data":{"name":"no command"}}"#,
        "\n",
        r#"{"_id":"torn","da"#,
    );
    std::fs::write(from.join("system-bookmark-store.db"), bookmarks).unwrap();
    std::fs::write(from.join("config-store.db"), "{\"_id\":\"motd\",\"data\":{}}\n").unwrap();
    put(&store, &key("bookmarks", "kept"), json!({ "command": "kept" })).await;
    let plan = bring(&store, &from, DO).await;
    let left: Vec<&str> = plan.skipped.iter().map(|skipped| skipped.what.as_str()).collect();
    let at = |line: &str| format!("system-bookmark-store.db:{line}");
    let expected = ["config-store.db:1 (motd)".to_owned(), at("7 (bad name)"), at("8 (empty)"), at("9")];
    assert_eq!(left, expected);
    assert_eq!(plan.count(Act::Add), 1);
    let xterm = store.get(&key("bookmarks", "xterm")).await.unwrap().unwrap().body;
    assert_eq!(xterm, json!({ "name": "xterm", "command": "xterm", "geometry": "rootless", "icon": "" }));
    assert!(store.get(&key("bookmarks", "kept")).await.unwrap().is_some());
    // What was deleted there is deleted here too, unless it is newer here.
    put(&store, &key("bookmarks", "gone"), json!({ "command": "newer" })).await;
    assert_eq!(bring(&store, &from, DO).await.count(Act::Newer), 1);
    assert_eq!(bring(&store, &from, FORCE).await.count(Act::Newer), 1);
    assert_eq!(store.get(&key("bookmarks", "gone")).await, Ok(None));
}

/// Named so that the type of a store behind an `Arc` is one, too.
#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Folder::open(&folder.path().join("store")).unwrap());
    let missing = upload(&&*store, &folder.path().join("none"), "alice", DO, &mut |_, _, _| {}).await;
    assert!(matches!(missing, Err(TransferError::Folder { .. })));
}
