//! What waits for one subscriber.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Event, Gap, Message};

/// One message each from 1,000 servers, all within the time a reader needs for one.
const MAX_MESSAGES: usize = 1024;
/// Eight messages of the greatest size; 1,024 server updates of 4 KiB.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A bounded queue whose reader is told when it missed something. When it is full everything in it is thrown away:
/// the reader must read the store again anyway, and what is older than that is of no use to it.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Message>,
    bytes: usize,
    gap: Option<Gap>,
}

impl Mailbox {
    pub(crate) fn push(&self, message: Message) {
        let mut inner = self.lock();
        let bytes = inner.bytes + message.payload.len();
        if inner.queue.len() == MAX_MESSAGES || bytes > MAX_BYTES {
            if inner.gap.is_none() {
                tracing::warn!(
                    subject = message.subject,
                    "a subscriber is too slow; it will read the store again"
                );
            }
            inner.queue.clear();
            inner.bytes = 0;
            inner.gap = Some(Gap::TooSlow);
        } else {
            inner.bytes = bytes;
            inner.queue.push_back(message);
        }
        drop(inner);
        self.arrived.notify_one();
    }

    /// Something may have been missed for another reason.
    pub(crate) fn tell(&self, gap: Gap) {
        self.lock().gap = Some(gap);
        self.arrived.notify_one();
    }

    /// The gap comes first: what follows it is newer than what the reader then reads from the store, or known there.
    pub(crate) async fn next(&self) -> Event {
        loop {
            let arrived = self.arrived.notified();
            if let Some(event) = self.take() {
                return event;
            }
            arrived.await;
        }
    }

    fn take(&self) -> Option<Event> {
        let mut inner = self.lock();
        if let Some(gap) = inner.gap.take() {
            return Some(Event::Gap(gap));
        }
        let message = inner.queue.pop_front()?;
        inner.bytes -= message.payload.len();
        Some(Event::Message(message))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
