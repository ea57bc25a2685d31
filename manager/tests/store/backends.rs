//! The back ends, alone and asked by a member through the managers' service.

use std::sync::Arc;

use cluster::broker::Broker;
use cluster::store::{Store, StoreClient, StoreError};
use cluster::transporter::{InProcess, Link, Transporter, connect};
use cluster::{Secret, Subjects};
use manager::{Folder, Mongo, Service, Settings};
use tokio::time::timeout;

use super::contract::{count, keeps_the_contract, key, name};
use super::mongod::Mongod;
use super::servers::PATIENCE;
use super::servers::nats::{self, NatsServer};

pub(crate) async fn mongo(url: &str) -> Mongo {
    Mongo::connect(&Settings { url: Secret::new(url), database: name("test") }).await.unwrap()
}

async fn member(broker: &Broker) -> Arc<dyn Transporter> {
    let transporter = connect(broker).await.unwrap();
    let mut link = transporter.link();
    timeout(PATIENCE, link.wait_for(Link::is_up)).await.expect("the broker is reached").unwrap();
    transporter
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    keeps_the_contract(Arc::new(Folder::open(folder.path()).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_asked_in_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Folder::open(folder.path()).unwrap());
    let (transporter, subjects) = (Arc::new(InProcess::new()), Subjects::new(&name("alone")));
    let client = Arc::new(StoreClient::new(transporter.clone(), subjects.clone()));
    let nobody = client.get(&key("a", "b")).await;
    assert_eq!(nobody, Err(StoreError::Unreachable("no cluster manager is running".into())));
    let _service = Service::start(store, transporter, &subjects).await;
    keeps_the_contract(client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongodb_alone() {
    let mongod = Mongod::started(None);
    keeps_the_contract(Arc::new(mongo(&mongod.url()).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_set_asked_through_two_managers_over_nats() {
    let mongod = Mongod::started(Some("rs"));
    mongod.initiate(&[&mongod]).await;
    let server = NatsServer::started("nats-server", nats::TOKEN);
    let broker = server.broker(nats::token());
    let subjects = Subjects::new(&broker.namespace);
    let mut managers = Vec::new();
    for _ in 0..2 {
        let store = Arc::new(mongo(&mongod.url()).await);
        managers.push(Service::start(store, member(&broker).await, &subjects).await);
    }
    let client = Arc::new(StoreClient::new(member(&broker).await, subjects));
    keeps_the_contract(client.clone()).await;
    // One of them may go.
    drop(managers.pop());
    count(&*client, &key("counters", "one")).await;
}
