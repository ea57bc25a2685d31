//! Whether the broker is reached, for pages and logs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The way to the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Link {
    Up { since: Timestamp },
    Down { since: Timestamp, why: String },
}

impl Link {
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Up { .. })
    }
}

/// The writing end; `Down.since` is when the link was lost, whatever is tried meanwhile.
#[derive(Clone, Debug)]
pub(super) struct LinkWriter(watch::Sender<Link>);

impl LinkWriter {
    pub(super) fn new() -> Self {
        Self(watch::channel(Link::Down { since: Timestamp::now(), why: "not connected yet".into() }).0)
    }

    /// Of the way that has no broker to reach.
    pub(super) fn always_up() -> Self {
        Self(watch::channel(Link::Up { since: Timestamp::now() }).0)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Link> {
        self.0.subscribe()
    }

    pub(super) fn is_up(&self) -> bool {
        self.0.borrow().is_up()
    }

    pub(super) fn up(&self) {
        self.0.send_if_modified(|link| {
            let changed = !link.is_up();
            if changed {
                *link = Link::Up { since: Timestamp::now() };
                tracing::info!("the broker is reached");
            }
            changed
        });
    }

    pub(super) fn down(&self, reason: &str) {
        self.0.send_if_modified(|link| match link {
            Link::Down { why, .. } if why == reason => false,
            Link::Down { why, .. } => {
                tracing::warn!(why = reason, "the broker is still not reached");
                reason.clone_into(why);
                true
            }
            Link::Up { .. } => {
                tracing::warn!(why = reason, "the broker is lost");
                *link = Link::Down { since: Timestamp::now(), why: reason.into() };
                true
            }
        });
    }
}
