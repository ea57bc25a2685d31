//! The in-process way: a stand-alone server is its own cluster.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::{oneshot, watch};

use super::answer::{self, Request, Requests};
use super::link::LinkWriter;
use super::registry::Registry;
use super::{Gap, Link, Message, PublishError, RequestError, Subscription, Transporter, check_length};
use crate::subject::{Pattern, Subject};

/// Clones talk to each other.
#[derive(Clone, Debug)]
pub struct InProcess {
    registry: Arc<Registry>,
    link: LinkWriter,
}

impl InProcess {
    #[expect(
        clippy::new_without_default,
        reason = "a second one hears nothing of the first, so it is made on purpose"
    )]
    pub fn new() -> Self {
        Self { registry: Arc::default(), link: LinkWriter::always_up() }
    }

    /// Tells all who listen that they may have missed something: who carries messages from elsewhere to here lost some.
    pub fn tell(&self, gap: Gap) {
        self.registry.tell_all(gap);
    }
}

impl Transporter for InProcess {
    fn publish(&self, subject: &Subject, payload: Bytes) -> BoxFuture<'_, Result<(), PublishError>> {
        let checked = check_length(&payload);
        if checked.is_ok() {
            self.registry.deliver(&Message { subject: subject.as_str().to_owned(), payload });
        }
        ready(checked).boxed()
    }

    fn subscribe(&self, pattern: &Pattern) -> BoxFuture<'_, Subscription> {
        ready(self.registry.subscribe(pattern)).boxed()
    }

    fn serve(&self, subject: &Subject) -> BoxFuture<'_, Requests> {
        ready(self.registry.serve(subject)).boxed()
    }

    fn request(
        &self,
        subject: &Subject,
        payload: Bytes,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Bytes, RequestError>> {
        let picked = self.registry.pick(subject.as_str());
        async move {
            check_length(&payload)?;
            let queue = picked.ok_or(RequestError::NoResponders)?;
            let (send, answered) = oneshot::channel();
            let send = move |bytes| {
                // Who asked may have given up.
                let _unheard = send.send(bytes);
                ready(Ok(())).boxed()
            };
            answer::hand_over(&queue, Request::new(payload, send)).await;
            match tokio::time::timeout(patience, answered).await {
                Ok(Ok(bytes)) => answer::read(bytes),
                Ok(Err(_)) | Err(_) => Err(RequestError::Deadline),
            }
        }
        .boxed()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.watch()
    }
}
