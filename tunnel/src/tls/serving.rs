//! The data connections of one tunnel on the side that accepts streams: a small task waits on each idle one.

use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;

use tokio::sync::{Notify, mpsc};

use super::link::{Keeper, Link, Owner};
use super::links::Links;

/// Streams that began and that nobody accepted yet; further ones wait unread.
const BACKLOG: usize = 64;

pub(crate) struct Serving {
    links: Links,
    begun: mpsc::Sender<Arc<Link>>,
    accepted: Mutex<mpsc::Receiver<Arc<Link>>>,
    /// Told when a link is gone.
    lost: Notify,
}

impl Serving {
    pub(super) fn new() -> Arc<Self> {
        let (begun, accepted) = mpsc::channel(BACKLOG);
        Arc::new(Self { links: Links::new(), begun, accepted: Mutex::new(accepted), lost: Notify::new() })
    }

    pub(super) fn links(&self) -> &Links {
        &self.links
    }

    /// What a new link of this side belongs to.
    pub(super) fn owner(self: &Arc<Self>) -> Owner {
        let keeper: Weak<dyn Keeper> = Arc::downgrade(&(self.clone() as Arc<dyn Keeper>));
        Owner { keeper, traffic: self.links.traffic().clone() }
    }

    /// A link that was made now. `false`: it is not wanted any more.
    pub(super) fn add(&self, link: Arc<Link>) -> bool {
        let added = self.links.add(&link);
        if added {
            self.idle(link);
        }
        added
    }

    /// The next link on which a stream began; its first data wait to be read.
    pub(super) async fn next(&self) -> Arc<Link> {
        std::future::poll_fn(|cx| {
            let next = self.accepted.lock().expect("no panic while held").poll_recv(cx);
            match next {
                Poll::Ready(Some(link)) => Poll::Ready(link),
                // We hold a sender, so it never ends.
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// Waits until a link may be gone.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }

    pub(super) fn close(&self) {
        self.links.close();
    }
}

impl Keeper for Serving {
    fn idle(&self, link: Arc<Link>) {
        let begun = self.begun.clone();
        link.home().clone().spawn(async move {
            match link.first_data().await {
                // Nobody accepts any more when the tunnel is gone.
                Ok(()) => drop(begun.send(link).await),
                Err(error) => tracing::debug!(?link, %error, "an idle data connection ended"),
            }
        });
    }

    fn gone(&self, id: u64) {
        self.links.remove(id);
        self.lost.notify_one();
    }
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Serving({} links)", self.links.count())
    }
}
