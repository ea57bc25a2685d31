//! Writes to a store in a folder, for tests that kill it or fill its disk. Prints each number that was acknowledged.

use cluster::Name;
use cluster::store::{Expect, Key, Store, StoreError, Write, list};
use manager::Folder;
use serde_json::json;

fn write(id: &str, collection: &str, body: Option<serde_json::Value>) -> Write {
    let name = |name| Name::new(name).expect("a name of this file");
    let key = Key { collection: name(collection), id: name(id) };
    Write { key, expect: Expect::Anything, by: "folder-writer".into(), body }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let store = Folder::open(arguments[1].as_ref())?;
    if arguments.get(2).is_some_and(|mode| mode == "full") { fill(&store).await } else { count(&store).await }
}

/// For ever.
async fn count(store: &Folder) -> Result<(), Box<dyn std::error::Error>> {
    let key = write("count", "history", None).key;
    let read = store.get(&key).await?;
    let mut count = read.and_then(|read| read.body["count"].as_u64()).unwrap_or(0);
    loop {
        count += 1;
        let body = json!({ "count": count, "padding": "x".repeat(count as usize * 97 % 20_000) });
        store.write(write("count", "history", Some(body))).await?;
        println!("{count}");
    }
}

/// Writes until the disk is full, looks whether all that was acknowledged is there, makes room and writes again.
async fn fill(store: &Folder) -> Result<(), Box<dyn std::error::Error>> {
    let body = || Some(json!("x".repeat(8000)));
    let mut ids = Vec::new();
    let error = loop {
        let id = format!("id{:03}", ids.len());
        match store.write(write(&id, "full", body())).await {
            Ok(_) => ids.push(id),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("No space left")), "{error}");
    assert!(ids.len() > 5);
    let changed = store.write(write(&ids[0], "full", Some(json!("y".repeat(9000))))).await;
    assert!(matches!(changed, Err(StoreError::Refused(_))), "{changed:?}");
    let collection = write("x", "full", None).key.collection;
    let kept = list(store, &collection).await?;
    assert_eq!(kept.iter().map(|document| document.key.id.to_string()).collect::<Vec<_>>(), ids);
    assert!(kept.iter().all(|document| Some(&document.body) == body().as_ref()));
    for id in &ids[..3] {
        store.write(write(id, "full", None)).await?;
    }
    store.write(write(&ids[4], "full", Some(json!("again")))).await?;
    println!("{}\nrecovered", ids.len());
    Ok(())
}
