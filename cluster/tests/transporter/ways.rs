//! The ways, each as two members of one cluster.

use std::any::Any;
use std::sync::Arc;

use cluster::broker::Broker;
use cluster::transporter::{InProcess, Link, Transporter, connect};
use cluster::{Name, Subjects};

use super::servers::PATIENCE;
use super::servers::nats::{self, NatsServer};
use super::servers::redis::RedisServer;

pub(crate) struct Two {
    pub(crate) a: Arc<dyn Transporter>,
    pub(crate) b: Arc<dyn Transporter>,
    _server: Box<dyn Any + Send>,
}

pub(crate) fn subjects() -> Subjects {
    Subjects::new(&Name::new("test.cluster").unwrap())
}

pub(crate) async fn up(transporter: &dyn Transporter) {
    let mut link = transporter.link();
    let waited = tokio::time::timeout(PATIENCE, link.wait_for(Link::is_up)).await;
    assert!(waited.is_ok(), "not up: {:?}", transporter.link().borrow());
}

/// Until the link is lost; returns why.
pub(crate) async fn down(transporter: &dyn Transporter) -> String {
    let mut link = transporter.link();
    let waited = tokio::time::timeout(PATIENCE, link.wait_for(|link| !link.is_up())).await;
    match &*waited.expect("the loss is seen").unwrap() {
        Link::Down { why, .. } => why.clone(),
        Link::Up { .. } => unreachable!("waited for the contrary"),
    }
}

pub(crate) async fn connected(broker: &Broker) -> Arc<dyn Transporter> {
    let transporter = connect(broker).await.unwrap();
    up(&*transporter).await;
    transporter
}

async fn two(broker: Broker, server: impl Any + Send) -> Two {
    let (a, b) = (connected(&broker).await, connected(&broker).await);
    Two { a, b, _server: Box::new(server) }
}

pub(crate) async fn in_process() -> Two {
    let one = InProcess::new();
    Two { a: Arc::new(one.clone()), b: Arc::new(one), _server: Box::new(()) }
}

pub(crate) async fn nats() -> Two {
    let server = NatsServer::started("nats-server", nats::TOKEN);
    two(server.broker(nats::token()), server).await
}

/// The one that Debian 12 has, 2.9.
pub(crate) async fn nats_of_debian() -> Two {
    let server = NatsServer::started("/usr/sbin/nats-server", nats::TOKEN);
    two(server.broker(nats::token()), server).await
}

pub(crate) async fn redis() -> Two {
    let server = RedisServer::started();
    two(server.broker("tok"), server).await
}
