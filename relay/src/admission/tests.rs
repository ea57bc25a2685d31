use super::*;
use std::time::Duration;
use tunnel::Secret;
use tunnel::wire::control::PROTOCOL;

fn settings(failed: u32) -> Settings {
    let text = format!(
        r#"{{"listen": ":1", "host": "gw", "token": "0123456789abcdef",
            "limits": {{"failedHellosPerMinute": {failed}}}}}"#
    );
    config::parse(std::path::Path::new("g.json"), &text).unwrap()
}

fn hello(id: &str, token: &str) -> Hello {
    Hello {
        protocol: PROTOCOL,
        server_id: ServerId::new(id).unwrap(),
        token: Secret::new(token),
        namespace: String::new(),
        generation: 1,
        version: "1".into(),
        services: vec![],
        reach: vec![],
    }
}

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const TOKEN: &str = "0123456789abcdef";

#[tokio::test]
async fn a_binding_is_on_disk_before_the_node_is_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let settings = settings(9);
    let admission = Admission::open(path.clone(), &settings).unwrap();
    let keeper = admission.clone();
    let keeping = tokio::spawn(async move { keeper.keep_stored().await });
    let key = Fingerprint::of_public_key(b"a");
    admission.decide(&hello("a", TOKEN), &key, FROM, &settings).await.unwrap();
    let read: Book = config::read(&path, Secrecy::OwnerOnly).unwrap();
    assert_eq!(read.servers[&ServerId::new("a").unwrap()].key, key);
    keeping.abort();
    let again = Admission::open(path, &settings).unwrap();
    let thief = Fingerprint::of_public_key(b"thief");
    let refused = again.decide(&hello("a", TOKEN), &thief, FROM, &settings).await.unwrap_err();
    assert_eq!(refused.code, RefusalCode::KeyMismatch);
}

#[tokio::test]
async fn a_node_that_cannot_be_stored_is_not_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("taken");
    let settings = settings(9);
    let admission = Admission::open(path.clone(), &settings).unwrap();
    std::fs::create_dir_all(path.join("inside")).unwrap();
    let keeper = admission.clone();
    let keeping = tokio::spawn(async move { keeper.keep_stored().await });
    let key = Fingerprint::of_public_key(b"a");
    let refused = admission.decide(&hello("a", TOKEN), &key, FROM, &settings).await.unwrap_err();
    assert_eq!(refused.code, RefusalCode::Busy);
    assert!(admission.view().servers.is_empty());
    keeping.abort();
}

#[tokio::test]
async fn who_guesses_tokens_is_not_listened_to_but_known_nodes_beside_it_are() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(3);
    let admission = Admission::open(dir.path().join(FILE), &settings).unwrap();
    let keeper = admission.clone();
    let keeping = tokio::spawn(async move { keeper.keep_stored().await });
    let (known, other) = (Fingerprint::of_public_key(b"a"), Fingerprint::of_public_key(b"b"));
    admission.decide(&hello("a", TOKEN), &known, FROM, &settings).await.unwrap();
    for _ in 0..4 {
        admission.decide(&hello("b", "guess"), &other, FROM, &settings).await.unwrap_err();
    }
    let right = admission.decide(&hello("b", TOKEN), &other, FROM, &settings).await;
    assert_eq!(right.unwrap_err().code, RefusalCode::Busy);
    admission.decide(&hello("a", ""), &known, FROM, &settings).await.unwrap();
    let elsewhere = IpAddr::from([192, 0, 2, 2]);
    let hello = hello("b", TOKEN);
    let decided = admission.decide(&hello, &other, elsewhere, &settings);
    tokio::time::timeout(Duration::from_secs(5), decided).await.unwrap().unwrap();
    keeping.abort();
}
