//! A mongod that is started for the managers alone gets its only user.

use std::net::SocketAddr;

use cluster::Secret;
use cluster::store::{Expect, Store};
use manager::{Mongo, PrepareError, Settings, prepare};
use serde_json::json;

use super::contract::{hears, key, name, write};
use super::mongod::Mongod;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_mongod_lets_only_the_managers_in_and_is_prepared_once() {
    let mongod = Mongod::guarded();
    let at = SocketAddr::from(mongod.listens());
    let url = prepare(at, &Secret::new("first")).await.unwrap();
    let again = prepare(at, &Secret::new("first")).await.unwrap();
    assert_eq!(url.expose(), again.expose());
    let other = prepare(at, &Secret::new("second")).await;
    assert!(matches!(other, Err(PrepareError::Foreign(_))), "{other:?}");

    let nobody = Secret::new(format!("mongodb://{at}/?replicaSet=fastx"));
    let nobody = Mongo::connect(&Settings { url: nobody, database: name("fastx") }).await.unwrap();
    let refused = nobody.get(&key("a", "b")).await.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("auth"), "{refused}");

    let store = Mongo::connect(&Settings { url, database: name("fastx") }).await.unwrap();
    let mut changes = store.watch().await;
    let revision = store.write(write(&key("a", "b"), Expect::Absent, json!(1))).await.unwrap();
    assert_eq!(store.get(&key("a", "b")).await.unwrap().unwrap().revision, revision);
    hears(&mut changes, &store, &key("a", "b"), revision).await;
}
