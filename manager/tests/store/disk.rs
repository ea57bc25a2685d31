//! What happens to the folder: kills, torn files, a full disk.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cluster::store::{Expect, Revision, Store, StoreError, list};
use manager::{Folder, OpenError};
use serde_json::json;

use super::contract::{key, name, write};

/// `manager/examples/folder-writer.rs`, which cargo builds with the tests.
fn folder_writer() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples/folder-writer")
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_acknowledged_and_leaves_nothing_torn() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    // Each time it is killed behind another number of writes, so at another point.
    for round in 0..40 {
        let mut writer =
            Command::new(folder_writer()).arg(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        for line in lines.take(1 + round) {
            acknowledged = line.unwrap().parse::<u64>().unwrap();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let store = Folder::open(folder.path()).unwrap();
        assert_eq!(store.damaged(), [] as [PathBuf; 0]);
        let read = store.get(&key("history", "count")).await.unwrap().unwrap();
        let count = read.body["count"].as_u64().unwrap();
        // It may have written more than it had said.
        assert!(count >= acknowledged, "{count} of {acknowledged}");
        acknowledged = count;
        assert_eq!(left_overs(&folder.path().join("history")), 0);
    }
}

/// Files that are neither a document nor the one before it.
fn left_overs(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| !["count.json", ".count.previous"].iter().any(|known| name == known)).count()
}

#[tokio::test]
async fn a_torn_file_is_put_aside_and_the_document_before_it_taken() {
    let folder = tempfile::tempdir().unwrap();
    let key = key("config", "motd");
    let path = folder.path().join("config/motd.json");
    let whole = {
        let store = Folder::open(folder.path()).unwrap();
        store.write(write(&key, Expect::Absent, json!("first"))).await.unwrap();
        store.write(write(&key, Expect::Anything, json!("second"))).await.unwrap();
        std::fs::read(&path).unwrap()
    };
    let previous = folder.path().join("config/.motd.previous");
    let before = std::fs::read(&previous).unwrap();
    // The last byte is a line feed, without which it is still whole.
    for length in 0..whole.len() - 1 {
        std::fs::write(&path, &whole[..length]).unwrap();
        std::fs::write(&previous, &before).unwrap();
        let store = Folder::open(folder.path()).unwrap();
        assert_eq!(store.get(&key).await.unwrap().unwrap().body, json!("first"), "at {length}");
        assert_eq!(store.damaged(), [folder.path().join("config/motd.json.damaged")]);
        // It is a store like any other.
        store.write(write(&key, Expect::Anything, json!("third"))).await.unwrap();
        drop(store);
        let store = Folder::open(folder.path()).unwrap();
        assert_eq!(
            (store.get(&key).await.unwrap().unwrap().body, store.damaged().len()),
            (json!("third"), 0)
        );
    }
}

#[tokio::test]
async fn files_are_for_people_and_for_their_owner() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(&folder.path().join("store")).unwrap();
    store.write(write(&key("config", "motd"), Expect::Absent, json!({ "b": 1, "a": 2 }))).await.unwrap();
    let path = folder.path().join("store/config/motd.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\n  \"_id\": \"motd\",\n  \"revision\": "), "{text}");
    assert!(text.ends_with("  \"data\": {\n    \"a\": 2,\n    \"b\": 1\n  }\n}\n"), "{text}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn one_process_has_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    assert!(matches!(Folder::open(folder.path()), Err(OpenError::InUse(_))));
    drop(store);
    assert!(Folder::open(folder.path()).is_ok());
}

#[tokio::test]
async fn a_write_that_fails_keeps_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    let key = key("config", "motd");
    let first = store.write(write(&key, Expect::Absent, json!("first"))).await.unwrap();
    // A folder in the way of the link to the document before.
    std::fs::create_dir_all(folder.path().join("config/.motd.previous/x")).unwrap();
    let refused = store.write(write(&key, Expect::Revision(first), json!("second"))).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    let read = store.get(&key).await.unwrap().unwrap();
    assert_eq!((read.revision, read.body), (first, json!("first")));
    std::fs::remove_dir_all(folder.path().join("config/.motd.previous")).unwrap();
    let second = store.write(write(&key, Expect::Revision(first), json!("second"))).await.unwrap();
    assert!(second > Revision(first.0));
}

/// In a file system of 256 KiB of its own; who is not root mounts it in a user namespace.
#[tokio::test]
async fn a_full_disk_keeps_the_old_documents_and_needs_nobody_to_recover() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=256k none {0} && exec {1} {0} full",
        folder.path().display(),
        folder_writer().display()
    );
    let as_user: &[&str] =
        if rustix::process::geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
    let ran = Command::new("unshare").args(as_user).args(["--mount", "sh", "-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.ends_with("recovered\n"), "{said}{complained}");
    assert!(
        list(&Folder::open(folder.path()).unwrap(), &name("full")).await.unwrap().is_empty(),
        "it was mounted"
    );
}
