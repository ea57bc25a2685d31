//! The reading end of a subscription.

use std::any::Any;
use std::sync::Arc;

use super::Event;
use super::mailbox::Mailbox;

/// Yields what was published. Dropping it ends the subscription.
pub struct Subscription {
    mailbox: Arc<Mailbox>,
    /// Undoes the subscription when dropped.
    _held: Box<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subscription")
    }
}

impl Subscription {
    pub(super) fn new(mailbox: Arc<Mailbox>, held: impl Any + Send + Sync) -> Self {
        Self { mailbox, _held: Box::new(held) }
    }

    /// Cancel-safe: an event that was not returned is still there.
    pub async fn next(&mut self) -> Event {
        self.mailbox.next().await
    }
}
