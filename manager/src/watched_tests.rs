use super::*;
use crate::Folder;

fn write(id: &str, expect: Expect) -> Write {
    let name = |name| Name::new(name).unwrap();
    let key = Key { collection: name("config"), id: name(id) };
    Write { key, expect, by: "test".into(), body: Some(json!(1)) }
}

/// A folder where a file should be stands for a disk that takes nothing.
#[tokio::test]
async fn a_write_that_failed_is_known_until_one_works_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Watched::new(Arc::new(Folder::open(folder.path()).unwrap())));
    assert!(!store.link().is_up(), "nothing was read yet");
    let again = tokio::spawn(Arc::clone(&store).try_again(Name::new("boss").unwrap()));
    store.get(&write("motd", Expect::Anything).key).await.unwrap();
    assert!(store.link().is_up());
    std::fs::write(folder.path().join("config"), "in the way").unwrap();
    store.write(write("motd", Expect::Absent)).await.unwrap_err();
    store.get(&write("motd", Expect::Anything).key).await.unwrap();
    let Link::Down { since, why } = store.link() else { panic!("reads say nothing of writes") };
    assert!(why.contains("does not take it"), "{why}");
    // Nobody writes but `try_again`; it has a document elsewhere.
    let mut link = store.link.subscribe();
    tokio::time::timeout(Duration::from_secs(60), link.wait_for(Link::is_up)).await.unwrap().unwrap();
    let trial = Key { collection: Name::new(TRIAL).unwrap(), id: Name::new("boss").unwrap() };
    while store.get(&trial).await.unwrap().is_some() {
        assert!(Timestamp::now().duration_since(since).as_secs() < 60, "the trial is not removed");
        tokio::task::yield_now().await;
    }
    again.abort();
}

#[tokio::test]
async fn what_is_refused_for_the_document_says_nothing_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Watched::new(Arc::new(Folder::open(folder.path()).unwrap()));
    store.write(write("motd", Expect::Absent)).await.unwrap();
    store.get(&write("motd", Expect::Anything).key).await.unwrap();
    store.write(write("motd", Expect::Absent)).await.unwrap_err();
    let long = Write { body: Some("x".repeat(10 << 20).into()), ..write("long", Expect::Absent) };
    store.write(long).await.unwrap_err();
    assert!(store.link().is_up());
}
