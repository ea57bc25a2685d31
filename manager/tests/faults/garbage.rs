//! A member with a login that says garbage: on every subject, of every size and depth, while the others write.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cluster::server::Server;
use cluster::store::{Expect, Key, StoreError, Write, list};
use cluster::transporter::MAX_PAYLOAD;
use cluster::{ControlPlane, Role, Subject};
use manager::Keep;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::history::{key, name};
use super::servers::PATIENCE;
use super::servers::nats::{self, NatsServer};
use super::servers::redis::RedisServer;
use super::stage::{Stage, plane};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_on_every_subject_of_nats_harms_nobody() {
    let server = NatsServer::started("nats-server", nats::TOKEN);
    harms_nobody(&server.broker(nats::token())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_on_every_subject_of_redis_harms_nobody() {
    let server = RedisServer::started();
    harms_nobody(&server.broker("tok")).await;
}

async fn harms_nobody(broker: &cluster::Broker) {
    let stage = Stage::set(&[Keep::Folder], broker, broker).await;
    let rogue = plane("rogue", Role::Member, broker).await;
    let mut rng = StdRng::seed_from_u64(4);
    for subject in subjects(&rogue) {
        for message in messages(&mut rng) {
            // A broker or a manager that has too much to do may throw some of it away.
            let _thrown = rogue.transporter.publish(&subject, message.clone()).await;
            let _answered = rogue.transporter.request(&subject, message, Duration::from_millis(20)).await;
        }
    }
    stage.is_consistent().await;
    the_fleet_is_shown(&rogue).await;
    no_document_spoils_a_collection(&rogue).await;
    stage.check().await;
}

/// Every one there is, its own and those of somebody else.
fn subjects(rogue: &ControlPlane) -> Vec<Subject> {
    let subjects = &rogue.subjects;
    let own = [&rogue.me, &name("node0")];
    let own = own.map(|who| [subjects.presence(who), subjects.update(who), subjects.sessions(who)]);
    let shared = [
        subjects.roll_call(),
        subjects.fleet_requests(),
        subjects.store_requests(),
        subjects.store_changes(),
        subjects.join_requests(),
    ];
    own.into_iter().flatten().chain(shared).collect()
}

fn nested(levels: usize) -> String {
    ["[".repeat(levels), "]".repeat(levels)].concat()
}

fn messages(rng: &mut StdRng) -> Vec<Bytes> {
    let mut random = vec![0_u8; 4096];
    rng.fill(&mut random[..]);
    let write = |body: &str| {
        format!(
            r#"{{"write":{{"key":{{"collection":"config","id":"deep"}},"expect":"anything","by":"x","body":{body}}}}}"#
        )
    };
    let text: Vec<Vec<u8>> = [
        String::new(),
        "null".into(),
        "[]".into(),
        r#"{"serverId":"rogue","generation":1e400}"#.into(),
        r#"{"serverId":"../../etc","generation":9223372036854775807,"word":"leaving"}"#.into(),
        r#"{"serverId":"rogue","generation":-9223372036854775808,"word":"active"}"#.into(),
        "[".repeat(MAX_PAYLOAD),
        nested(100_000),
        write(&nested(120)),
        write(&nested(60)),
        r#"{"page":{"collection":"config","after":null}}"#.into(),
        r#"{"forget":"node0"}"#.into(),
    ]
    .map(String::into_bytes)
    .to_vec();
    let text = text.into_iter().chain(servers("rogue").map(String::into_bytes)).chain([random]);
    text.map(Bytes::from).collect()
}

/// Server objects that a list or the store would not hold.
fn servers(id: &str) -> [String; 3] {
    let with = |data: &str| format!(r#"{{"serverId":"{id}","staticData":{{"x":{data}}}}}"#);
    [
        with(&nested(110)),
        with(&format!("\"{}\"", "x".repeat(MAX_PAYLOAD - 200))),
        // Small here, and large where all that is left out is filled in.
        format!(r#"{{"serverId":"{id}","gpus":[{}{{}}]}}"#, "{},".repeat(150_000)),
    ]
}

/// All of it, whatever servers say of themselves.
async fn the_fleet_is_shown(asker: &ControlPlane) {
    for (count, server) in servers("greedy").into_iter().enumerate() {
        let bus = &asker.transporter;
        bus.publish(&asker.subjects.update(&name("greedy")), server.into()).await.unwrap();
        let version = count.to_string();
        let last = Server { version: version.clone(), ..Server::named(&asker.me) };
        let last = Bytes::from(serde_json::to_vec(&last).unwrap());
        let began = Instant::now();
        // When it is shown, what was said before it was heard.
        while asker.fleet.show(&asker.me).await.ok().flatten().is_none_or(|me| me.server.version != version) {
            assert!(began.elapsed() < PATIENCE, "an update is not heard");
            bus.publish(&asker.subjects.update(&asker.me), last.clone()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(asker.fleet.show(&name("greedy")).await, Ok(None));
    }
    let all = asker.fleet.list().await.unwrap();
    let shown = all.iter().filter(|listed| listed.server.server_id.as_str().starts_with("node"));
    assert_eq!(shown.count(), 3, "{all:?}");
    assert!(all.iter().all(|listed| listed.server.fits() && listed.server != Server::default()));
}

async fn no_document_spoils_a_collection(asker: &ControlPlane) {
    let deep = |levels: usize| (0..levels).fold(Value::Null, |inner, _| json!([inner]));
    let write = |id: &str, body| Write { key: key(id), expect: Expect::Anything, by: "rogue".into(), body };
    let refused = asker.store.write(write("deeper", Some(deep(60)))).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    asker.store.write(write("deep", Some(deep(56)))).await.unwrap();
    let all = list(&*asker.store, &key("deep").collection).await.unwrap();
    let there = |id: &str| all.iter().any(|document| document.key == Key { id: name(id), ..key("x") });
    assert!(there("counter") && there("deep") && !there("deeper"));
}
