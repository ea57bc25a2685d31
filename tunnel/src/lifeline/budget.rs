//! What surviving streams may keep together, so that peers which never read, or never say so, pin no more than that.
//!
//! A stream may keep as much as is left for all (the "dynamic threshold" of shared-buffer switches: Choudhury and Hahne,
//! 1998). One greedy stream takes half of the budget at most, a thousand of them a thousandth each, and a stream that
//! keeps little always finds room.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;

/// Bytes that are kept, and the bound on them.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicU64,
    most: u64,
}

/// All tunnels of this process.
pub(super) static PROCESS: Budget = Budget::new(limits::KEPT_PROCESS);

impl Budget {
    pub(crate) const fn new(most: u64) -> Self {
        Self { used: AtomicU64::new(0), most }
    }

    /// Nothing, rather than less, when others took more at the same moment.
    pub(super) fn left(&self) -> u64 {
        self.most.saturating_sub(self.used.load(Ordering::Relaxed))
    }

    pub(super) fn take(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
