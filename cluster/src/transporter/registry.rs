//! Who listens and who serves in this process. The in-process way delivers from it; the Redis way also asks it what to
//! be subscribed to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

use super::answer::{self, Request, Requests};
use super::mailbox::Mailbox;
use super::subscription::Subscription;
use super::{Gap, Message};
use crate::subject::{Pattern, Subject};

#[derive(Debug, Default)]
pub(super) struct Registry {
    inner: Mutex<Inner>,
    /// Somebody came or went.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// Counts who came; also the id of the last one.
    came: u64,
    subscribers: BTreeMap<u64, (Pattern, Arc<Mailbox>)>,
    servers: BTreeMap<u64, (Subject, mpsc::Sender<Request>)>,
    /// Whose turn it is among those who serve one subject.
    turn: usize,
}

/// Takes one out again when dropped.
struct Held {
    registry: Arc<Registry>,
    id: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut inner = self.registry.lock();
        inner.subscribers.remove(&self.id);
        inner.servers.remove(&self.id);
        drop(inner);
        self.registry.changed.notify_one();
    }
}

impl Registry {
    pub(super) fn subscribe(self: &Arc<Self>, pattern: &Pattern) -> Subscription {
        let mailbox = Arc::new(Mailbox::default());
        let id = self.add(|inner, id| {
            inner.subscribers.insert(id, (pattern.clone(), Arc::clone(&mailbox)));
        });
        Subscription::new(mailbox, Held { registry: Arc::clone(self), id })
    }

    pub(super) fn serve(self: &Arc<Self>, subject: &Subject) -> Requests {
        let (queue, waiting) = answer::queue();
        let id = self.add(|inner, id| {
            inner.servers.insert(id, (subject.clone(), queue));
        });
        Requests::new(waiting, Held { registry: Arc::clone(self), id })
    }

    fn add(&self, insert: impl FnOnce(&mut Inner, u64)) -> u64 {
        let mut inner = self.lock();
        inner.came += 1;
        let id = inner.came;
        insert(&mut inner, id);
        drop(inner);
        self.changed.notify_one();
        id
    }

    pub(super) fn deliver(&self, message: &Message) {
        for (pattern, mailbox) in self.lock().subscribers.values() {
            if pattern.matches(&message.subject) {
                mailbox.push(message.clone());
            }
        }
    }

    pub(super) fn tell_all(&self, gap: Gap) {
        for (_, mailbox) in self.lock().subscribers.values() {
            mailbox.tell(gap);
        }
    }

    /// The next of those who serve `subject`, in turn.
    pub(super) fn pick(&self, subject: &str) -> Option<mpsc::Sender<Request>> {
        let mut inner = self.lock();
        inner.turn = inner.turn.wrapping_add(1);
        let turn = inner.turn;
        let serving = || inner.servers.values().filter(|(served, _)| served.as_str() == subject);
        let picked = turn.checked_rem(serving().count())?;
        serving().nth(picked).map(|(_, queue)| queue.clone())
    }

    /// Everything listened to and everything served, and how many had come by then.
    pub(super) fn wanted(&self) -> (BTreeSet<String>, BTreeSet<String>, u64) {
        let inner = self.lock();
        let patterns = inner.subscribers.values().map(|(pattern, _)| pattern.as_str().to_owned()).collect();
        let served = inner.servers.values().map(|(subject, _)| subject.as_str().to_owned()).collect();
        (patterns, served, inner.came)
    }

    pub(super) fn came(&self) -> u64 {
        self.lock().came
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
