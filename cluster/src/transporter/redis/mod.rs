//! The Redis way, for brokers that are there already. Redis ≥ 6: RESP3 carries commands and messages on one connection.
//!
//! Redis has no groups of servers and no replies, so both are channels: who serves a subject listens on
//! `SUBJECT.INSTANCE`; who asks picks one of those channels, and Redis says whether anybody heard it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};
use tokio_util::task::AbortOnDropHandle;

mod arrive;
mod connect;
mod keep;

pub use connect::RedisError;

use super::answer::{self, Requests};
use super::link::LinkWriter;
use super::registry::Registry;
use super::{Link, PublishError, RequestError, Subscription, Transporter, check_length};
use crate::broker::Broker;
use crate::subject::{Pattern, Subject, Subjects};

/// Until a new subscription is confirmed; only guards against hanging.
const SETTLE_PATIENCE: Duration = Duration::from_secs(5);

/// A connection that is made again for ever.
#[derive(Debug)]
pub struct Redis {
    shared: Arc<Shared>,
    _keeper: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// Part of the channels that only this process listens on.
    instance: String,
    subjects: Subjects,
    replies: Subject,
    registry: Arc<Registry>,
    link: LinkWriter,
    connection: Mutex<Option<MultiplexedConnection>>,
    /// How many of the registry's subscribers Redis has confirmed.
    settled: watch::Sender<u64>,
    asked: Mutex<HashMap<u64, oneshot::Sender<Bytes>>>,
    last_question: AtomicU64,
}

impl Redis {
    pub fn connect(broker: &Broker) -> Result<Self, RedisError> {
        let client = connect::client(broker)?;
        let instance = format!("{:032x}", rand::random::<u128>());
        let subjects = Subjects::new(&broker.namespace);
        let shared = Arc::new(Shared {
            replies: subjects.replies(&instance),
            subjects,
            instance,
            registry: Arc::default(),
            link: LinkWriter::new(),
            connection: Mutex::default(),
            settled: watch::channel(0).0,
            asked: Mutex::default(),
            last_question: AtomicU64::new(0),
        });
        let keeper = tokio::spawn(keep::keep(client, Arc::clone(&shared)));
        Ok(Self { shared, _keeper: AbortOnDropHandle::new(keeper) })
    }
}

/// One question that waits for its answer.
struct Asked<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.shared.asked().remove(&self.id);
    }
}

impl Shared {
    fn connection(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Bytes>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many heard it.
    async fn send(&self, channel: &str, payload: &[u8]) -> Result<u64, PublishError> {
        let connection = self.connection().clone();
        let mut connection = connection.ok_or(PublishError::Disconnected)?;
        let command = ::redis::cmd("PUBLISH").arg(channel).arg(payload).to_owned();
        command.query_async(&mut connection).await.map_err(|_lost| PublishError::Disconnected)
    }

    /// Waits until Redis has confirmed all subscriptions made so far, unless there is no link.
    async fn settle(&self) {
        let came = self.registry.came();
        let (mut link, mut settled) = (self.link.watch(), self.settled.subscribe());
        tokio::select! {
            biased;
            _ = link.wait_for(|link| !link.is_up()) => {}
            _ = settled.wait_for(|settled| *settled >= came) => {}
            () = tokio::time::sleep(SETTLE_PATIENCE) => {}
        }
    }

    async fn ask(&self, subject: &str, payload: Bytes) -> Result<Bytes, RequestError> {
        let id = self.last_question.fetch_add(1, Ordering::Relaxed);
        let (send, answered) = oneshot::channel();
        self.asked().insert(id, send);
        let _asked = Asked { shared: self, id };
        let mut question = BytesMut::with_capacity(payload.len() + 128);
        question.put_u64(id);
        question
            .put_u16(u16::try_from(self.replies.as_str().len()).expect("a subject of two names is short"));
        question.put(self.replies.as_str().as_bytes());
        question.put(payload);
        let servers = self.servers_of(subject).await?;
        // Any of them may be the first; one that is just gone is passed over.
        let first = rand::random_range(0..servers.len().max(1));
        for server in servers[first..].iter().chain(&servers[..first]) {
            if self.send(server, &question).await? > 0 {
                return answer::read(answered.await.map_err(|_lost| RequestError::Disconnected)?);
            }
        }
        Err(RequestError::NoResponders)
    }

    async fn servers_of(&self, subject: &str) -> Result<Vec<String>, RequestError> {
        let connection = self.connection().clone();
        let mut connection = connection.ok_or(RequestError::Disconnected)?;
        let command = ::redis::cmd("PUBSUB").arg("CHANNELS").arg(format!("{subject}.*")).to_owned();
        command.query_async(&mut connection).await.map_err(|_lost| RequestError::Disconnected)
    }
}

impl Transporter for Redis {
    fn publish(&self, subject: &Subject, payload: Bytes) -> BoxFuture<'_, Result<(), PublishError>> {
        let subject = subject.clone();
        async move {
            check_length(&payload)?;
            self.shared.send(subject.as_str(), &payload).await.map(drop)
        }
        .boxed()
    }

    fn subscribe(&self, pattern: &Pattern) -> BoxFuture<'_, Subscription> {
        let subscription = self.shared.registry.subscribe(pattern);
        async move {
            self.shared.settle().await;
            subscription
        }
        .boxed()
    }

    fn serve(&self, subject: &Subject) -> BoxFuture<'_, Requests> {
        let requests = self.shared.registry.serve(subject);
        async move {
            self.shared.settle().await;
            requests
        }
        .boxed()
    }

    fn request(
        &self,
        subject: &Subject,
        payload: Bytes,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Bytes, RequestError>> {
        let subject = subject.clone();
        async move {
            check_length(&payload)?;
            let mut link = self.shared.link.watch();
            tokio::select! {
                biased;
                _ = link.wait_for(|link| !link.is_up()) => Err(RequestError::Disconnected),
                answer = self.shared.ask(subject.as_str(), payload) => answer,
                () = tokio::time::sleep(patience) => Err(RequestError::Deadline),
            }
        }
        .boxed()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.shared.link.watch()
    }
}
