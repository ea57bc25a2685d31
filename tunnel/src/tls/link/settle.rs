//! The end of a stream on a link: in step with the other side, so that the link can carry the next one.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::Link;
use crate::error::StreamError;

/// After both halves are dropped, what waits for a slow reader has this long to leave: a pump waits no longer either.
const FLUSH: Duration = Duration::from_secs(60);
/// Then the other side has this long to end its direction; after it, the connection is closed.
const SETTLE: Duration = Duration::from_secs(2);
/// And so many bytes of it are read and thrown away.
const SETTLE_BYTES: usize = 1024 * 1024;

impl Link {
    /// One half is gone; the last one brings the link back to its keeper.
    pub(in crate::tls) fn drop_half(self: &Arc<Self>) {
        if self.halves.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        if self.is_settled() {
            return self.keep();
        }
        let link = self.clone();
        self.home.spawn(async move {
            let flush = poll_fn(|cx| link.sending().poll_push(&*link.socket, cx));
            let flushed = tokio::time::timeout(FLUSH, flush).await;
            if let Ok(Ok(_)) = flushed
                && let Ok(true) = tokio::time::timeout(SETTLE, link.drain()).await
            {
                link.keep();
            }
        });
    }

    fn is_settled(&self) -> bool {
        // One lock after the other: a reader takes them in the other order.
        let sent = self.sending().is_done();
        sent && self.receiving().ended.is_some()
    }

    fn keep(self: &Arc<Self>) {
        if let Some(keeper) = self.owner.keeper.upgrade() {
            keeper.idle(self.clone());
        }
    }

    /// Throws away what still comes, until the other side ended its direction.
    async fn drain(&self) -> bool {
        let mut left = SETTLE_BYTES;
        while self.receiving().ended.is_none() {
            let mut chunk = [Bytes::new()];
            match poll_fn(|cx| self.poll_chunks(cx, &mut chunk)).await {
                Ok(_) if left < chunk[0].len() => return false,
                Ok(_) => left -= chunk[0].len(),
                Err(StreamError::Reset(_)) => {}
                Err(_) => return false,
            }
        }
        true
    }
}
