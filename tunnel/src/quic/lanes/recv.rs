//! The reading side of a wide direction: pieces put in order.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use quinn::{ReadError, RecvStream, ResetError, StreamId};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::word::Word;
use super::{Answer, LANES, Lanes, Wide, say, turn};
use crate::limits;

/// Chunks read at once.
const CHUNKS: usize = 64;

/// A direction that was asked to become wide.
#[derive(Debug)]
pub(in crate::quic) struct WideRecv {
    /// Bytes before this come in the stream itself.
    from: u64,
    read: u64,
    /// How much of the stream itself is taken from QUIC before the sender has answered.
    unanswered: Option<u64>,
    id: StreamId,
    lanes: [Lane; LANES],
    coming: mpsc::Receiver<Answer>,
    wide: Wide,
    _asking: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Lane {
    /// `None` before it came, and of the stream itself.
    stream: Option<RecvStream>,
    /// Read, and not all of this turn.
    chunks: VecDeque<Bytes>,
    ended: bool,
}

impl WideRecv {
    /// Asks for lanes, for a stream of which `read` bytes were read. `None` when there are enough wide ones.
    pub(in crate::quic) fn ask(registry: &Arc<Lanes>, id: StreamId, read: u64) -> Option<Box<Self>> {
        let wide = registry.widen()?;
        let (lane, coming) = mpsc::channel(LANES);
        registry.waiting().insert(id, lane);
        let window = u64::from(limits::WINDOW_STREAM);
        let from = read + 3 * window;
        let ask = say(registry.connection.clone(), Word::Ask { stream: id, from });
        let asking = AbortOnDropHandle::new(tokio::spawn(ask));
        let (unanswered, lanes) = (Some(window), Default::default());
        Some(Box::new(Self { from, read, unanswered, id, lanes, coming, wide, _asking: asking }))
    }

    /// What comes next, up to `chunks`; 0 at the end. `main` is the stream itself.
    pub(in crate::quic) fn poll_chunks(
        &mut self,
        cx: &mut Context<'_>,
        main: &mut RecvStream,
        chunks: &mut [Bytes],
    ) -> Poll<Result<usize, ReadError>> {
        let mut count = 0;
        while count < chunks.len() {
            let (turn, room) = self.turn();
            let lane = &mut self.lanes[turn];
            if let Some(chunk) = lane.take(room) {
                self.read += chunk.len() as u64;
                chunks[count] = chunk;
                count += 1;
                continue;
            }
            if count > 0 || lane.ended {
                break;
            }
            ready!(self.poll_fill(cx, main, turn))?;
        }
        Poll::Ready(Ok(count))
    }

    fn turn(&self) -> (usize, usize) {
        match self.read.checked_sub(self.from) {
            Some(behind) => turn(behind),
            None => (0, usize::try_from(self.from - self.read).unwrap_or(usize::MAX)),
        }
    }

    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        main: &mut RecvStream,
        turn: usize,
    ) -> Poll<Result<(), ReadError>> {
        while self.unanswered == Some(0) || (turn > 0 && self.lanes[turn].stream.is_none()) {
            match self.coming.poll_recv(cx) {
                Poll::Ready(Some(answer)) => self.hear(answer),
                Poll::Ready(None) | Poll::Pending => return poll_broken(cx, main),
            }
        }
        let lane = &mut self.lanes[turn];
        let stream = lane.stream.as_mut().unwrap_or(main);
        let mut read = [const { Bytes::new() }; CHUNKS];
        let count = {
            let reading = pin!(stream.read_chunks(&mut read));
            ready!(reading.poll(cx))?.unwrap_or(0)
        };
        lane.ended = count == 0;
        if let Some(left) = &mut self.unanswered {
            // The last read may take more: 64 frames of at most 6,500 bytes, which the third window has room for.
            let bytes: usize = read[..count].iter().map(Bytes::len).sum();
            *left = left.saturating_sub(bytes as u64);
        }
        lane.chunks.extend(read.into_iter().take(count));
        Poll::Ready(Ok(()))
    }

    fn hear(&mut self, answer: Answer) {
        self.unanswered = None;
        match answer {
            Answer::Lane(index, stream) => self.lanes[index].stream = Some(stream),
            // All is in the stream itself.
            Answer::None => self.from = u64::MAX,
        }
    }

    pub(in crate::quic) fn stop(&mut self, code: quinn::VarInt) {
        for stream in self.lanes.iter_mut().filter_map(|lane| lane.stream.as_mut()) {
            // Fails only when the lane ended already.
            let _ended = stream.stop(code).is_err();
        }
    }
}

/// A lane that was reset before it said which it is never comes; then the stream itself was reset too, or the connection
/// is lost.
fn poll_broken(cx: &mut Context<'_>, main: &mut RecvStream) -> Poll<Result<(), ReadError>> {
    let broken = pin!(main.received_reset());
    match broken.poll(cx) {
        Poll::Ready(Ok(Some(code))) => Poll::Ready(Err(ReadError::Reset(code))),
        Poll::Ready(Err(ResetError::ConnectionLost(error))) => {
            Poll::Ready(Err(ReadError::ConnectionLost(error)))
        }
        Poll::Ready(Ok(None) | Err(ResetError::ZeroRttRejected)) | Poll::Pending => Poll::Pending,
    }
}

impl Lane {
    /// The next chunk, or as much of it as belongs to this turn.
    fn take(&mut self, room: usize) -> Option<Bytes> {
        let front = self.chunks.front_mut()?;
        if front.len() > room {
            return Some(front.split_to(room));
        }
        self.chunks.pop_front()
    }
}

impl Drop for WideRecv {
    fn drop(&mut self) {
        self.wide.0.waiting().remove(&self.id);
    }
}
