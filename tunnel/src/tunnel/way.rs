//! Whether the other side is heard, and who waits for a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tokio::sync::Notify;

/// Whether the other side was heard lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    Good,
    /// Nothing heard for seconds: open no new streams here while there is another tunnel. Open ones wait, and go on if
    /// the way comes back within [`crate::limits::DEAD_AFTER`].
    Doubtful,
}

/// Tells how the way is, and of its changes; cheap to clone. Who waits longest wakes first, where tokio's watch wakes in
/// random order: a simulation with one seed must have one story.
#[derive(Clone, Debug, Default)]
pub struct WayWatch(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    doubtful: AtomicBool,
    changed: Notify,
}

impl WayWatch {
    pub fn now(&self) -> Way {
        if self.0.doubtful.load(Ordering::Acquire) { Way::Doubtful } else { Way::Good }
    }

    /// Waits until the way is another one than `way`; for ever if the tunnel closes before.
    pub async fn leaves(&self, way: Way) {
        loop {
            let changed = self.0.changed.notified();
            if self.now() != way {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn set(&self, way: Way) {
        let doubtful = way == Way::Doubtful;
        if self.0.doubtful.swap(doubtful, Ordering::AcqRel) != doubtful {
            self.0.changed.notify_waiters();
        }
    }
}
