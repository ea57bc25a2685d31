//! The sending half of a QUIC stream.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use quinn::{SendStream, WriteError};
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::carrier::{close_of, code_of};
use super::lanes::{LANES, Lanes, WideSend};
use crate::error::StreamError;
use crate::limits;

/// A stream that sent little lately goes before those that send much, so a keystroke does not wait behind a download.
const PRIORITY_NEW: i32 = 1;
const PRIORITY_BULK: i32 = 0;
const BULK_AFTER: usize = 256 * 1024;
const CALM_AFTER: Duration = Duration::from_millis(200);

/// Its reader asks for lanes after two windows at the earliest, so who has sent one listens in time.
const LISTEN_AFTER: u64 = limits::WINDOW_STREAM as u64;

/// The sending half of a QUIC stream.
#[derive(Debug)]
pub(crate) struct Send {
    stream: SendStream,
    /// Bytes sent since the last pause of [`CALM_AFTER`].
    burst: usize,
    last: Option<Instant>,
    /// Bytes since the start.
    written: u64,
    wide: Option<Box<WideSend>>,
    lanes: Arc<Lanes>,
}

impl Send {
    pub(super) fn new(stream: SendStream, lanes: Arc<Lanes>) -> Self {
        Self { stream, burst: 0, last: None, written: 0, wide: None, lanes }
    }

    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<Result<(), StreamError>> {
        let (stream, room) = ready!(poll_place(&mut self.wide, &mut self.stream, self.written, cx))?;
        let mut part = chunk.slice(..chunk.len().min(room));
        let before = part.len();
        // The write leaves in `part` what it did not take, so it may be dropped and made anew at each poll.
        let written = {
            let write = pin!(stream.write_chunks(std::slice::from_mut(&mut part)));
            ready!(write.poll(cx))
        };
        written.map_err(|error| write_error(&error))?;
        let written = before - part.len();
        chunk.advance(written);
        self.wrote(written);
        self.rank(written);
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let place = ready!(poll_place(&mut self.wide, &mut self.stream, self.written, cx));
        let (stream, room) = place.map_err(io::Error::other)?;
        let written = ready!(AsyncWrite::poll_write(Pin::new(stream), cx, &buf[..buf.len().min(room)]))?;
        self.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn wrote(&mut self, bytes: usize) {
        self.written += bytes as u64;
        if self.wide.is_none() && self.written >= LISTEN_AFTER {
            self.wide = Some(WideSend::listen(&self.lanes, self.stream.id()));
        }
    }

    /// Moves the stream between the two priorities; a changed priority costs a lock, so only on the change.
    fn rank(&mut self, sent: usize) {
        let now = Instant::now();
        let calm = self.last.is_none_or(|last| now - last > CALM_AFTER);
        let before = self.burst;
        self.burst = if calm { sent } else { before.saturating_add(sent) };
        self.last = Some(now);
        let changed = match (before >= BULK_AFTER, self.burst >= BULK_AFTER) {
            (false, true) => self.stream.set_priority(PRIORITY_BULK),
            (true, false) => self.stream.set_priority(PRIORITY_NEW),
            _ if before == 0 => self.stream.set_priority(PRIORITY_NEW),
            _ => Ok(()),
        };
        // A stream that is closed already has no rank to change.
        let _closed = changed.is_err();
    }

    /// Bytes that the other side may have received and not read.
    pub(crate) fn window(&self) -> u64 {
        let wide = self.wide.as_ref().is_some_and(|wide| wide.is_wide());
        u64::from(limits::WINDOW_STREAM) * if wide { LANES as u64 } else { 1 }
    }

    pub(crate) fn finish(&mut self) -> Result<(), StreamError> {
        for lane in self.wide.iter_mut().flat_map(|wide| wide.lanes()) {
            lane.finish().map_err(|_| StreamError::Ended)?;
        }
        self.stream.finish().map_err(|_| StreamError::Ended)
    }

    pub(crate) fn reset(&mut self, code: u32) {
        let lanes = self.wide.iter_mut().flat_map(|wide| wide.lanes());
        for stream in lanes.chain([&mut self.stream]) {
            // Fails only when the stream ended already.
            let _ended = stream.reset(code.into()).is_err();
        }
    }
}

/// The stream that the next byte goes into, and how many fit its turn.
fn poll_place<'a>(
    wide: &'a mut Option<Box<WideSend>>,
    stream: &'a mut SendStream,
    written: u64,
    cx: &Context<'_>,
) -> Poll<Result<(&'a mut SendStream, usize), StreamError>> {
    match wide {
        None => Poll::Ready(Ok((stream, usize::MAX))),
        Some(wide) => wide.poll_place(cx, stream, written),
    }
}

fn write_error(error: &WriteError) -> StreamError {
    match error {
        WriteError::Stopped(code) => StreamError::Reset(code_of(*code)),
        WriteError::ConnectionLost(error) => StreamError::Lost(close_of(error)),
        WriteError::ClosedStream | WriteError::ZeroRttRejected => StreamError::Ended,
    }
}
