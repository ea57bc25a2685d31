//! What happens to the broker, and what members see of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cluster::Pattern;
use cluster::broker::Broker;
use cluster::transporter::{Event, Gap, PublishError, RequestError, Subscription, connect};
use rustix::process::Signal;
use tokio::time::timeout;

use super::contract::{answer_all, works};
use super::servers::nats::{self, NatsServer};
use super::servers::redis::RedisServer;
use super::servers::{PATIENCE, Process, address};
use super::ways::{connected, down, subjects, up};

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

macro_rules! on_every_broker {
    ($($fact:ident)*) => {
        mod nats_server { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() {
                use super::{NatsServer, nats};
                super::$fact(NatsServer::new("nats-server", nats::TOKEN)).await;
            }
        )* }
        mod redis_server { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() {
                super::$fact(super::RedisServer::new()).await;
            }
        )* }
    };
}

on_every_broker! {
    a_killed_broker_is_told_at_once_and_found_again
    a_stopped_broker_is_noticed_and_taken_back
    a_broker_that_comes_later_finds_the_subscriptions
}

async fn gap(subscription: &mut Subscription) {
    loop {
        match timeout(PATIENCE, subscription.next()).await.expect("the gap is told") {
            Event::Gap(gap) => return assert_eq!(gap, Gap::Reconnected),
            Event::Message(_) => {}
        }
    }
}

async fn hears(subscription: &mut Subscription, payload: &'static [u8]) {
    loop {
        match timeout(PATIENCE, subscription.next()).await.expect("the message arrives") {
            Event::Message(message) if message.payload == payload => return,
            _ => {}
        }
    }
}

async fn a_killed_broker_is_told_at_once_and_found_again(mut server: impl Server) {
    server.start();
    let (a, b) = (connected(&server.broker()).await, connected(&server.broker()).await);
    let mut heard = b.subscribe(&subjects().presences()).await;
    let service = answer_all(b.serve(&subjects().store_requests()).await, "b");
    server.process().kill();
    down(&*a).await;
    down(&*b).await;
    let began = Instant::now();
    let lost = a.publish(&subjects().roll_call(), Bytes::new()).await;
    assert_eq!(lost, Err(PublishError::Disconnected));
    let lost = a.request(&subjects().store_requests(), Bytes::new(), 10 * PATIENCE).await;
    assert_eq!(lost, Err(RequestError::Disconnected));
    assert!(began.elapsed() < PATIENCE, "nothing waits for a broker that is not there");
    server.start();
    up(&*a).await;
    up(&*b).await;
    gap(&mut heard).await;
    let me = subjects().presence(&cluster::Name::new("a").unwrap());
    a.publish(&me, Bytes::from_static(b"again")).await.unwrap();
    hears(&mut heard, b"again").await;
    let answer = a.request(&subjects().store_requests(), Bytes::from_static(b"1"), PATIENCE).await;
    assert_eq!(answer, Ok(Bytes::from_static(b"b 1")));
    service.abort();
}

async fn a_stopped_broker_is_noticed_and_taken_back(mut server: impl Server) {
    server.start();
    let (a, b) = (connected(&server.broker()).await, connected(&server.broker()).await);
    let mut heard = b.subscribe(&Pattern::from(&subjects().roll_call())).await;
    server.process().stop();
    let began = Instant::now();
    let asked = a.request(&subjects().store_requests(), Bytes::new(), PATIENCE).await;
    assert_eq!(asked, Err(RequestError::Disconnected), "an open question ends with the link");
    assert!(began.elapsed() < PATIENCE);
    down(&*a).await;
    down(&*b).await;
    server.process().signal(Signal::CONT);
    up(&*a).await;
    up(&*b).await;
    gap(&mut heard).await;
    a.publish(&subjects().roll_call(), Bytes::from_static(b"again")).await.unwrap();
    hears(&mut heard, b"again").await;
}

async fn a_broker_that_comes_later_finds_the_subscriptions(mut server: impl Server) {
    let began = Instant::now();
    let (a, b) = (connect(&server.broker()).await.unwrap(), connect(&server.broker()).await.unwrap());
    let mut heard = b.subscribe(&Pattern::from(&subjects().roll_call())).await;
    let lost = a.publish(&subjects().roll_call(), Bytes::new()).await;
    assert_eq!(lost, Err(PublishError::Disconnected));
    assert!(began.elapsed() < PATIENCE, "nothing waits for a broker that is not there");
    server.start();
    up(&*a).await;
    up(&*b).await;
    gap(&mut heard).await;
    a.publish(&subjects().roll_call(), Bytes::from_static(b"first")).await.unwrap();
    hears(&mut heard, b"first").await;
    works(&*a, &*b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_nats_servers_is_enough() {
    let addresses = [address(), address()];
    let [mut one, mut two] = [0, 1].map(|index: usize| {
        let peers = [addresses[1 - index]];
        NatsServer::with_peers("nats-server", nats::TOKEN, addresses[index], &peers)
    });
    one.start();
    two.start();
    let mut broker = one.broker(nats::token());
    broker.servers.extend(two.broker(nats::token()).servers);
    broker.trust = cluster::broker::Trust::Ca([one.certificates.ca.as_str(), &two.certificates.ca].concat());
    let (a, b) = (connected(&broker).await, connected(&broker).await);
    one.process().kill();
    // Whichever of them was at the dead one goes to the other.
    let began = Instant::now();
    loop {
        let mut heard = b.subscribe(&Pattern::from(&subjects().roll_call())).await;
        if a.publish(&subjects().roll_call(), Bytes::from_static(b"x")).await.is_ok()
            && matches!(timeout(Duration::from_secs(1), heard.next()).await, Ok(Event::Message(_)))
        {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{:?} {:?} {}", a.link().borrow(), b.link().borrow(), two.log());
    }
}
