//! The surviving streams of one tunnel, kept apart from it, because they live on when it is lost.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::Lifeline;
use super::budget::Budget;
use super::unreported::Unreported;
use crate::error::{Close, StreamError};
use crate::limits;
use crate::wire::StreamId;

/// Streams that one tunnel carries, or carried when it was lost. Cheap to clone; holds neither the tunnel nor the streams.
#[derive(Clone)]
pub struct Survivors(Arc<Inner>);

struct Inner {
    lines: Mutex<BTreeMap<StreamId, Weak<Lifeline>>>,
    /// What they keep together.
    kept: Arc<Budget>,
    unreported: Arc<Unreported>,
}

impl Default for Survivors {
    fn default() -> Self {
        let kept = Arc::new(Budget::new(limits::KEPT_TUNNEL));
        Self(Arc::new(Inner { lines: Mutex::default(), kept, unreported: Arc::default() }))
    }
}

impl Survivors {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<StreamId, Weak<Lifeline>>> {
        self.0.lines.lock().expect("no panic while held")
    }

    pub(crate) fn unreported(&self) -> &Unreported {
        &self.0.unreported
    }

    /// From here on `line` runs over this tunnel.
    pub(crate) fn adopt(&self, line: &Arc<Lifeline>) {
        line.count_for(&self.0.kept, &self.0.unreported);
        self.lines().insert(line.id(), Arc::downgrade(line));
    }

    /// The tunnel was closed: ends its streams, if it was meant to end.
    pub(crate) fn closed(&self, close: &Close) {
        if !close.code.is_survivable() {
            self.end_with(&StreamError::Lost(close.clone()));
        }
    }

    /// Ends what still waits for the other side to come back, because it never will.
    pub fn end(&self, why: &'static str) {
        self.end_with(&StreamError::NotResumed(why));
    }

    fn end_with(&self, error: &StreamError) {
        let lines = std::mem::take(&mut *self.lines());
        for line in lines.into_values().filter_map(|line| line.upgrade()) {
            line.end_with(&self.0.kept, error);
        }
    }

    /// How much of which streams was read here, as far as the other side does not know.
    pub(crate) fn report(&self) -> Vec<(StreamId, u64)> {
        self.0.unreported.reported();
        let mut news = Vec::new();
        self.lines().retain(|id, line| {
            let Some(line) = line.upgrade() else { return false };
            news.extend(line.report().map(|offset| (*id, offset)));
            true
        });
        news
    }

    /// The other side has read so much.
    pub(crate) fn acknowledge(&self, streams: &[(StreamId, u64)]) {
        let lines = self.lines();
        for (id, offset) in streams {
            if let Some(line) = lines.get(id).and_then(Weak::upgrade) {
                line.acknowledged(*offset);
            }
        }
    }

    /// Whether none of them lives any more.
    pub fn is_empty(&self) -> bool {
        let mut lines = self.lines();
        lines.retain(|_, line| line.strong_count() > 0);
        lines.is_empty()
    }
}

impl fmt::Debug for Survivors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Survivors({})", self.lines().len())
    }
}
