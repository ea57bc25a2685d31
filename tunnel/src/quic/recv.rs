//! The receiving half of a QUIC stream.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use quinn::{ReadError, RecvStream};
use tokio::time::Instant;

use super::carrier::{close_of, code_of};
use super::lanes::{Lanes, Pace, WideRecv};
use crate::error::StreamError;

/// The receiving half of a QUIC stream.
#[derive(Debug)]
pub(crate) struct Recv {
    stream: RecvStream,
    /// Bytes since the start.
    read: u64,
    pace: Pace,
    wide: Option<Box<WideRecv>>,
    lanes: Arc<Lanes>,
}

impl Recv {
    pub(super) fn new(stream: RecvStream, lanes: Arc<Lanes>) -> Self {
        Self { stream, read: 0, pace: Pace::default(), wide: None, lanes }
    }

    pub(crate) fn poll_chunks(
        &mut self,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<usize, StreamError>> {
        let read = match &mut self.wide {
            Some(wide) => wide.poll_chunks(cx, &mut self.stream, chunks),
            None => {
                // The read keeps no state of its own, so it may be dropped and made anew at each poll.
                let reading = pin!(self.stream.read_chunks(chunks));
                reading.poll(cx).map_ok(|count| count.unwrap_or(0))
            }
        };
        read.map(|read| match read {
            Ok(count) => {
                self.watch(&chunks[..count]);
                Ok(count)
            }
            Err(ReadError::Reset(code)) => Err(StreamError::Reset(code_of(code))),
            Err(ReadError::ConnectionLost(error)) => Err(StreamError::Lost(close_of(&error))),
            Err(_) => Err(StreamError::Ended),
        })
    }

    /// Asks for lanes when the window is the bottleneck.
    fn watch(&mut self, chunks: &[Bytes]) {
        let bytes: usize = chunks.iter().map(Bytes::len).sum();
        self.read += bytes as u64;
        if bytes == 0 || self.wide.is_some() {
            return;
        }
        if self.pace.is_held_back(bytes as u64, Instant::now, || self.lanes.connection.rtt()) {
            self.wide = WideRecv::ask(&self.lanes, self.stream.id(), self.read);
        }
    }

    pub(crate) fn stop(&mut self, code: u32) {
        if let Some(wide) = &mut self.wide {
            wide.stop(code.into());
        }
        // Fails only when the stream ended already.
        let _ended = self.stream.stop(code.into()).is_err();
    }
}
