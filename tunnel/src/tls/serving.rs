//! The data connections of one tunnel on the side that accepts streams: a small task waits on each idle one.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use tokio::sync::mpsc;

use super::link::{Keeper, Link};
use super::links::{Links, Stock};

/// Streams that began and that nobody accepted yet; further ones wait unread.
const BACKLOG: usize = 64;

pub(crate) struct Serving {
    links: Links,
    begun: mpsc::Sender<Arc<Link>>,
}

/// Links on which a stream began; its first data wait to be read.
#[derive(Debug)]
pub(crate) struct Begun(Mutex<mpsc::Receiver<Arc<Link>>>);

/// The way from [`Serving`], one or several, to who accepts.
pub(super) fn channel() -> (mpsc::Sender<Arc<Link>>, Begun) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    (sender, Begun(Mutex::new(receiver)))
}

impl Begun {
    /// The next one; pending for ever once nobody serves any more.
    pub(super) async fn next(&self) -> Arc<Link> {
        std::future::poll_fn(|cx| match self.0.lock().expect("no panic while held").poll_recv(cx) {
            Poll::Ready(Some(link)) => Poll::Ready(link),
            _ => Poll::Pending,
        })
        .await
    }
}

impl Serving {
    pub(super) fn new(begun: mpsc::Sender<Arc<Link>>) -> Arc<Self> {
        Arc::new(Self { links: Links::new(), begun })
    }
}

impl Stock for Serving {
    fn links(&self) -> &Links {
        &self.links
    }

    fn add(&self, link: Arc<Link>) -> bool {
        let added = self.links.add(&link);
        if added {
            self.idle(link);
        }
        added
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
    }
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Serving({} links)", self.links.count())
    }
}
