//! The NATS way.

use std::sync::Arc;
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::AbortOnDropHandle;

mod account;
mod connect;
mod steward;

pub(crate) use account::update_account;
pub use connect::NatsError;

use self::steward::Mailboxes;
use super::answer::{self, Request, Requests};
use super::link::LinkWriter;
use super::mailbox::Mailbox;
use super::{Link, Message, PublishError, RequestError, Subscription, Transporter, check_length};
use crate::broker::Broker;
use crate::subject::{Pattern, Subject, Subjects};

/// One group for all that serve a subject: the server gives each request to one of them.
const SERVERS: &str = "servers";

/// A connection that is made again for ever.
#[derive(Debug)]
pub struct Nats {
    client: Client,
    link: LinkWriter,
    mailboxes: Arc<Mailboxes>,
    subjects: Subjects,
    /// Answers to nobody: asking it shows that the server has read everything before.
    nobody: Subject,
    _steward: AbortOnDropHandle<()>,
}

impl Nats {
    pub async fn connect(broker: &Broker) -> Result<Self, NatsError> {
        let (link, mailboxes) = (LinkWriter::new(), Arc::new(Mailboxes::default()));
        let (client, events) = connect::client(broker, &link).await?;
        let subjects = Subjects::new(&broker.namespace);
        let nobody = subjects.replies(&format!("{}.nobody", connect::reply_to(&broker.login)));
        let steward =
            steward::watch(client.clone(), events, link.clone(), Arc::clone(&mailboxes), nobody.clone());
        Ok(Self {
            client,
            link,
            mailboxes,
            subjects,
            nobody,
            _steward: AbortOnDropHandle::new(tokio::spawn(steward)),
        })
    }

    /// Waits until `begun` and until the server knows of it, unless there is no link.
    async fn settle(&self, begun: oneshot::Receiver<()>) {
        let known = async {
            // Not begun means that the client has ended.
            begun.await.is_ok() && steward::round_trip(&self.client, &self.nobody).await
        };
        self.while_up(known).await;
    }

    /// `act`, unless the link is down or goes down meanwhile: the client would keep it for later.
    async fn while_up<T>(&self, act: impl Future<Output = T>) -> Option<T> {
        let mut link = self.link.watch();
        tokio::select! {
            biased;
            _ = link.wait_for(|link| !link.is_up()) => None,
            done = act => Some(done),
        }
    }
}

/// Brings requests to who serves them here.
async fn hand_on(
    client: Client,
    mut subscriber: Subscriber,
    queue: mpsc::Sender<Request>,
    subjects: Subjects,
) {
    while let Some(message) = subscriber.next().await {
        let Some(reply) = message.reply.filter(|reply| subjects.takes_replies(reply)) else { continue };
        let client = client.clone();
        let send = move |bytes| {
            async move { client.publish(reply, bytes).await.map_err(|_ended| PublishError::Disconnected) }
                .boxed()
        };
        answer::hand_over(&queue, Request::new(message.payload, send)).await;
    }
}

impl Transporter for Nats {
    fn publish(&self, subject: &Subject, payload: Bytes) -> BoxFuture<'_, Result<(), PublishError>> {
        let subject = subject.as_str().to_owned();
        async move {
            check_length(&payload)?;
            match self.while_up(self.client.publish(subject, payload)).await {
                Some(Ok(())) => Ok(()),
                Some(Err(_)) | None => Err(PublishError::Disconnected),
            }
        }
        .boxed()
    }

    fn subscribe(&self, pattern: &Pattern) -> BoxFuture<'_, Subscription> {
        let pattern = pattern.as_str().to_owned();
        async move {
            let mailbox = Arc::new(Mailbox::default());
            self.mailboxes.add(&mailbox);
            let (begins, begun) = oneshot::channel();
            let pump = {
                let (client, mailbox) = (self.client.clone(), Arc::clone(&mailbox));
                // The subject is one of ours, so this fails only when the client has ended.
                async move {
                    let Ok(mut subscriber) = client.subscribe(pattern).await else { return };
                    // Without a link nobody waits for the beginning.
                    let _unheard = begins.send(());
                    while let Some(message) = subscriber.next().await {
                        let subject = message.subject.to_string();
                        mailbox.push(Message { subject, payload: message.payload });
                    }
                }
            };
            let subscription = Subscription::new(mailbox, AbortOnDropHandle::new(tokio::spawn(pump)));
            self.settle(begun).await;
            subscription
        }
        .boxed()
    }

    fn serve(&self, subject: &Subject) -> BoxFuture<'_, Requests> {
        let subject = subject.as_str().to_owned();
        async move {
            let (queue, waiting) = answer::queue();
            let (client, subjects) = (self.client.clone(), self.subjects.clone());
            let (begins, begun) = oneshot::channel();
            let pump = async move {
                let subscribed = client.queue_subscribe(subject, SERVERS.into()).await;
                let Ok(subscriber) = subscribed else { return };
                let _unheard = begins.send(());
                hand_on(client, subscriber, queue, subjects).await;
            };
            let requests = Requests::new(waiting, AbortOnDropHandle::new(tokio::spawn(pump)));
            self.settle(begun).await;
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
        let subject = subject.as_str().to_owned();
        async move {
            check_length(&payload)?;
            let request = async_nats::Request::new().payload(payload).timeout(Some(patience));
            match self.while_up(self.client.send_request(subject, request)).await {
                Some(Ok(message)) => answer::read(message.payload),
                Some(Err(error)) => Err(match error.kind() {
                    RequestErrorKind::NoResponders => RequestError::NoResponders,
                    RequestErrorKind::TimedOut => RequestError::Deadline,
                    _ => RequestError::Disconnected,
                }),
                None => Err(RequestError::Disconnected),
            }
        }
        .boxed()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.watch()
    }
}
