//! What was read from the surviving streams of a tunnel since the other side was told; it keeps as much.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits;

/// Bytes that were read and not reported.
#[derive(Debug, Default)]
pub(crate) struct Unreported {
    bytes: AtomicU64,
    much: Notify,
}

impl Unreported {
    pub(super) fn read(&self, bytes: u64) {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before < limits::REPORT_AT && before + bytes >= limits::REPORT_AT {
            self.much.notify_one();
        }
    }

    pub(super) fn reported(&self) {
        self.bytes.store(0, Ordering::Relaxed);
    }

    /// Waits until there is so much that the other side should not wait for the next ping, but not before `earliest`.
    pub(crate) async fn is_much(&self, earliest: Instant) {
        while self.bytes.load(Ordering::Relaxed) < limits::REPORT_AT {
            self.much.notified().await;
        }
        if earliest > Instant::now() {
            // Not otherwise: even a sleep that is over takes until the timer's next millisecond.
            tokio::time::sleep_until(earliest).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Duration;

    #[tokio::test]
    async fn much_is_reported_soon_and_little_waits_for_the_ping() {
        let unreported = Unreported::default();
        let (moment, later) = (Duration::from_millis(20), Duration::from_secs(20));
        unreported.read(limits::REPORT_AT - 1);
        let soon = tokio::time::timeout(moment, unreported.is_much(Instant::now()));
        assert!(soon.await.is_err(), "a byte is missing");
        unreported.read(1);
        for _ in 0..2 {
            // Also for who did not wait, or waited in vain.
            let soon = tokio::time::timeout(later, unreported.is_much(Instant::now()));
            soon.await.expect("there is much");
        }
        unreported.reported();
        assert!(tokio::time::timeout(moment, unreported.is_much(Instant::now())).await.is_err());
    }
}
