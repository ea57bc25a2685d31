//! The surviving streams on a tunnel: what they have read is told with the pings, and they end with a tunnel that was
//! meant to end.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, Weak};

use super::Shared;
use crate::error::{Close, StreamError};
use crate::lifeline::Lifeline;
use crate::limits;
use crate::wire::StreamId;
use crate::wire::control::Control;

impl Shared {
    pub(super) fn lines(&self) -> MutexGuard<'_, BTreeMap<StreamId, Weak<Lifeline>>> {
        self.lines.lock().expect("no panic while held")
    }

    /// Ends the surviving streams too, if the tunnel was meant to end.
    pub(super) fn end_lines(&self, close: &Close) {
        if close.code.is_survivable() {
            return;
        }
        let lines = std::mem::take(&mut *self.lines());
        for line in lines.into_values().filter_map(|line| line.upgrade()) {
            line.end_with(&self.kept, StreamError::Lost(close.clone()));
        }
    }

    /// Tells the other side how much of the surviving streams was read here, so that it can forget it.
    pub(super) fn report(&self) {
        let mut news = Vec::new();
        self.lines().retain(|id, line| {
            let Some(line) = line.upgrade() else { return false };
            news.extend(line.report().map(|offset| (*id, offset)));
            true
        });
        for streams in news.chunks(limits::REPORTS_PER_MESSAGE) {
            // Told again, with a larger figure, by the next report.
            let _dropped = self.control.try_send(Control::Received { streams: streams.to_vec() });
        }
    }

    pub(super) fn acknowledge(&self, streams: &[(StreamId, u64)]) {
        let lines = self.lines();
        for (id, offset) in streams {
            if let Some(line) = lines.get(id).and_then(Weak::upgrade) {
                line.acknowledged(*offset);
            }
        }
    }
}
