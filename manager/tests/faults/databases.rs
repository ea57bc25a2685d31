//! Faults of MongoDB, with two managers, under a stream of writes and of updates.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use cluster::Secret;
use manager::{Keep, Settings};
use rustix::process::Signal;

use super::fault;
use super::history::name;
use super::mongod::Mongod;
use super::partition::Partition;
use super::servers::PATIENCE;
use super::servers::nats::{self, NatsServer};
use super::stage::{CONSISTENT_WITHIN, Stage};

/// A primary is elected anew after `electionTimeoutMillis`, 5 s here, and its driver finds it within some more.
const RESUMES_WITHIN: Duration = Duration::from_secs(12);

fn keep(url: &str) -> Keep {
    Keep::MongoDb(Settings { url: Secret::new(url), database: name("test") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongod_alone_restarted_killed_stopped_and_cut_off() {
    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let broker = nats.broker(nats::token());
    let mut mongod = Mongod::started(None);
    let host = mongod.host();
    let (address, port) = host.rsplit_once(':').unwrap();
    let network = Partition::start(address.parse::<Ipv4Addr>().unwrap(), port.parse().unwrap()).await;
    let url = format!("mongodb://{address}:{}/?directConnection=true", network.port);
    let stage = Stage::set(&[keep(&url), keep(&url)], &broker, &broker).await;
    for gently in [true, false] {
        match gently {
            true => mongod.process().end(),
            false => mongod.process().kill(),
        }
        mongod.start();
        stage.is_consistent().await;
    }
    mongod.process().stop();
    tokio::time::sleep(fault()).await;
    mongod.process().signal(Signal::CONT);
    stage.is_consistent().await;
    network.cut();
    tokio::time::sleep(fault()).await;
    network.heal();
    stage.is_consistent().await;
    stage.check().await;
}

/// Cut off, the primary still reaches the others, who no longer reach it, as behind a firewall that went wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: make nightly"]
async fn a_replica_set_whose_primary_is_killed_restarted_stopped_and_cut_off() {
    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let broker = nats.broker(nats::token());
    let (mut members, mut networks) = ([0, 1, 2].map(|_| Mongod::started(Some("rs"))), Vec::new());
    for member in &mut members {
        let (address, port) = member.listens();
        networks.push(Partition::start(address, port).await);
        member.is_known_by(networks.last().unwrap().port);
    }
    let [one, two, three] = &members;
    one.initiate(&[one, two, three]).await;
    let url = format!("mongodb://{},{},{}/?replicaSet=rs", one.host(), two.host(), three.host());
    let stage = Stage::set(&[keep(&url), keep(&url)], &broker, &broker).await;
    let killed = primary(&members).await;
    members[killed].process().kill();
    let took = stage.history.goes_on(1).await;
    println!("killed: writes resumed after {took:?}, longest pause {:?}", stage.history.longest_pause());
    if fault() >= Duration::from_secs(60) {
        // Alone on the machine; beside other tests nothing says how long an election takes.
        assert!(stage.history.longest_pause() < RESUMES_WITHIN, "{:?}", stage.history.longest_pause());
    }
    members[killed].start();
    stage.is_consistent().await;

    let restarted = caught_up(&members).await;
    members[restarted].process().end();
    println!("restarted: writes resumed after {:?}", stage.history.goes_on(1).await);
    members[restarted].start();
    stage.is_consistent().await;

    let stopped = caught_up(&members).await;
    members[stopped].process().stop();
    tokio::time::sleep(fault()).await;
    println!("stopped: {:?} after the fault writes go on", stage.history.goes_on(1).await);
    members[stopped].process().signal(Signal::CONT);
    stage.is_consistent().await;

    let cut = caught_up(&members).await;
    networks[cut].cut();
    tokio::time::sleep(fault()).await;
    println!("cut off: {:?} after the fault writes go on", stage.history.goes_on(1).await);
    networks[cut].heal();
    stage.is_consistent().await;
    stage.check().await;
}

/// The primary, when all three have caught up: the next fault may need both others.
async fn caught_up(members: &[Mongod; 3]) -> usize {
    let began = Instant::now();
    for member in members {
        while !member.is_in_its_set().await {
            assert!(began.elapsed() < PATIENCE, "a member does not come back");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    primary(members).await
}

async fn primary(members: &[Mongod; 3]) -> usize {
    let began = Instant::now();
    loop {
        for (index, member) in members.iter().enumerate() {
            if member.is_primary().await {
                return index;
            }
        }
        assert!(began.elapsed() < PATIENCE, "no primary");
    }
}

/// Ten times the fault: ten minutes at night.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: make nightly"]
async fn broker_and_database_are_gone_and_come_back_together() {
    let mut nats = NatsServer::started("nats-server", nats::TOKEN);
    let broker = nats.broker(nats::token());
    let mut mongod = Mongod::started(None);
    let stage = Stage::set(&[keep(&mongod.url()), keep(&mongod.url())], &broker, &broker).await;
    nats.process().kill();
    mongod.process().kill();
    stage.all_see_it_down().await;
    let before = stage.history.len();
    tokio::time::sleep(10 * fault()).await;
    assert_eq!((stage.history.len(), stage.links_up()), (before, 0), "nothing is acknowledged by nobody");
    nats.start();
    mongod.start();
    let began = Instant::now();
    stage.is_consistent().await;
    println!("all is consistent {:?} after the return", began.elapsed());
    if fault() >= Duration::from_secs(60) {
        assert!(began.elapsed() < CONSISTENT_WITHIN, "{:?}", began.elapsed());
    }
    stage.check().await;
}
