//! What both halves of a surviving stream share.

use std::sync::Arc;

use bytes::Bytes;

use super::direction::{Direction, Hold};
use super::kept::Kept;
use super::unreported::Unreported;
use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::StreamError;
use crate::stream::OpenStream;

pub(super) struct State {
    pub(super) outgoing: Direction<SendCarrier>,
    pub(super) incoming: Direction<(Bytes, RecvCarrier)>,
    pub(super) kept: Kept,
    /// We ended our direction.
    pub(super) finished: bool,
    /// Bytes that the reader on this side was given, and how many of them the other side knows of.
    pub(super) received: u64,
    pub(super) reported: u64,
    pub(super) unreported: Option<Arc<Unreported>>,
    /// Counts the losses and resumptions, so that an older one cannot interfere.
    pub(super) attempt: u64,
    /// Opener: a task looks for another tunnel.
    pub(super) reviving: bool,
    /// Counts the stream on the tunnel that carries it since the last resumption.
    pub(super) _open: Option<OpenStream>,
}

impl State {
    pub(super) fn read(&mut self, bytes: u64) {
        self.received += bytes;
        if let Some(unreported) = &self.unreported {
            unreported.read(bytes);
        }
    }

    pub(super) fn die(&mut self, error: StreamError) {
        self.outgoing.set(Hold::Dead(error.clone()));
        self.incoming.set(Hold::Dead(error));
    }

    pub(super) fn new(kept: Kept, received: u64) -> Self {
        Self {
            outgoing: Direction::carried(),
            incoming: Direction::carried(),
            kept,
            finished: false,
            received,
            reported: 0,
            unreported: None,
            attempt: 0,
            reviving: false,
            _open: None,
        }
    }
}
