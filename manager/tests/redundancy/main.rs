//! Three hosts as `fastx manager init --peer` makes them, all on this machine: each process is killed in turn, and the cluster
//! goes on. Takes a minute or more: `make nightly` runs it.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../store/mongod.rs"]
mod mongod;
#[path = "../../../cluster/tests/servers/mod.rs"]
mod servers;

mod hosts;
mod writer;

use std::time::Instant;

use cluster::admission::{JoinError, MemberKey, join};
use cluster::broker::{Broker, Kind, Login, Trust};
use cluster::store::StoreClient;
use cluster::transporter::{Link, connect};
use cluster::{Name, Subjects};
use config::HostPort;
use std::sync::Arc;
use std::time::Duration;

use self::hosts::Hosts;
use self::servers::PATIENCE;
use self::writer::Writer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "nightly: takes more than half a minute"]
async fn each_of_eight_processes_is_killed_and_the_cluster_goes_on() {
    let mut hosts = Hosts::started().await;
    let broker = hosts.broker();
    let transporter = connect(&broker).await.unwrap();
    let subjects = Subjects::new(&broker.namespace);
    let writer = Writer::start(Arc::new(StoreClient::new(transporter.clone(), subjects)));
    writer.goes_on("all are up").await;
    for at in 0..3 {
        hosts.brokers[at].kill();
        writer.goes_on(&format!("broker {at} is dead")).await;
        hosts.start_broker(at);
        writer.goes_on(&format!("broker {at} is back")).await;
    }
    for at in 0..2 {
        hosts.managers[at].kill();
        writer.goes_on(&format!("manager {at} is dead")).await;
        hosts.start_manager(at);
        writer.goes_on(&format!("manager {at} is back")).await;
    }
    for at in 0..3 {
        hosts.mongods[at].process().kill();
        writer.goes_on(&format!("mongod {at} is dead")).await;
        hosts.mongods[at].start();
        hosts.mongod_is_back(at).await;
        writer.goes_on(&format!("mongod {at} is back")).await;
    }
    writer.lost_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "nightly: takes more than half a minute"]
async fn who_is_revoked_while_a_broker_is_down_is_refused_there_too() {
    let mut hosts = Hosts::started().await;
    let admission = hosts.admission().await;
    let token = admission.create_token(None, Duration::from_secs(600)).await.unwrap();
    let (key, node) = (MemberKey::generate(), Name::new("node").unwrap());
    hosts.managers[0].kill();
    let jwt = join(&token, &node, &key).await.unwrap();
    let again = join(&token, &node, &key).await;
    assert!(again.is_ok(), "the same server may ask again: {again:?}");
    let other = join(&token, &node, &MemberKey::generate()).await;
    assert!(
        matches!(&other, Err(JoinError::Refused { why, .. }) if why.contains("used already")),
        "{other:?}"
    );

    let only = |at: usize| Broker {
        kind: Kind::Nats,
        servers: vec![HostPort { host: hosts.addresses[at].to_string(), port: hosts::PORT }],
        login: Login::Credentials(key.credentials(&jwt)),
        trust: Trust::Ca(token.ca.clone().unwrap()),
        namespace: token.namespace.clone(),
    };
    let (first, third) = (connect(&only(0)).await.unwrap(), only(2));
    let mut link = first.link();
    tokio::time::timeout(PATIENCE, link.wait_for(Link::is_up)).await.unwrap().unwrap();
    hosts.brokers[2].kill();
    let revoked = admission.revoke(&node).await.unwrap();
    assert_eq!((revoked.own_login, revoked.not_told), (true, None));
    tokio::time::timeout(PATIENCE, link.wait_for(|link| !link.is_up())).await.unwrap().unwrap();

    hosts.start_broker(2);
    let began = Instant::now();
    let mut link = connect(&third).await.unwrap().link();
    let refused = |link: &Link| matches!(link, Link::Down { why, .. } if why.contains("uthorization"));
    let waited = tokio::time::timeout(PATIENCE, link.wait_for(refused)).await;
    assert!(waited.is_ok(), "still in after {:?}", began.elapsed());
    println!("the broker that was down refused it after {:?}", began.elapsed());
}
