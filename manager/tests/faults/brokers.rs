//! Faults of the broker, under a stream of writes, of updates and of words of presence.

use cluster::broker::Broker;
use manager::Keep;
use rustix::process::Signal;

use super::fault;
use super::partition::Partition;
use super::servers::Process;
use super::servers::nats::{self, NatsServer};
use super::servers::redis::RedisServer;
use super::stage::Stage;

trait Server {
    fn start(&mut self);
    fn process(&mut self) -> &mut Process;
    fn broker(&self) -> Broker;
}

impl Server for NatsServer {
    fn start(&mut self) {
        self.start();
    }
    fn process(&mut self) -> &mut Process {
        self.process()
    }
    fn broker(&self) -> Broker {
        self.broker(nats::token())
    }
}

impl Server for RedisServer {
    fn start(&mut self) {
        self.start();
    }
    fn process(&mut self) -> &mut Process {
        self.process()
    }
    fn broker(&self) -> Broker {
        self.broker("tok")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_restarted_killed_stopped_and_cut_off() {
    all_faults(NatsServer::started("nats-server", nats::TOKEN)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: make nightly"]
async fn nats_of_debian_restarted_killed_stopped_and_cut_off() {
    all_faults(NatsServer::started("/usr/sbin/nats-server", nats::TOKEN)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_restarted_killed_stopped_and_cut_off() {
    all_faults(RedisServer::started()).await;
}

async fn all_faults(mut server: impl Server) {
    let broker = server.broker();
    let (address, port) = (broker.servers[0].host.parse().unwrap(), broker.servers[0].port);
    let network = Partition::start(address, port).await;
    let mut members = broker.clone();
    members.servers[0].port = network.port;
    let stage = Stage::set(&[Keep::Folder], &broker, &members).await;
    for gently in [true, false] {
        match gently {
            true => server.process().end(),
            false => server.process().kill(),
        }
        stage.all_see_it_down().await;
        server.start();
        stage.is_consistent().await;
    }
    server.process().stop();
    tokio::time::sleep(fault()).await;
    server.process().signal(Signal::CONT);
    stage.is_consistent().await;
    network.cut();
    tokio::time::sleep(fault()).await;
    network.heal();
    stage.is_consistent().await;
    stage.check().await;
}
