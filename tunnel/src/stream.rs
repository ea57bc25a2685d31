//! A stream: bytes both ways, each direction ended on its own, or reset with a code.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::{PreambleError, StreamError};
use crate::lifeline::Lifeline;
use crate::limits;
use crate::wire::{Answer, Preamble, Status};

/// Both directions of one stream.
#[derive(Debug)]
pub struct Stream {
    pub send: SendHalf,
    pub recv: RecvHalf,
    /// Counted as open until dropped.
    open: OpenStream,
}

/// Counts one open stream of a tunnel until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenStream(Arc<AtomicUsize>);

impl OpenStream {
    pub(crate) fn count(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter.clone())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stream {
    pub(crate) fn new(send: SendCarrier, recv: RecvCarrier, open: OpenStream) -> Self {
        let send = SendHalf { carrier: send, line: None };
        let recv = RecvHalf { head: Bytes::new(), carrier: recv, line: None };
        Self { send, recv, open }
    }

    /// From here on the stream outlives its tunnel.
    pub(crate) fn survive(&mut self, line: &Arc<Lifeline>) {
        self.send.line = Some(line.clone());
        self.recv.line = Some(line.clone());
    }

    pub(crate) fn into_parts(self) -> (SendCarrier, Bytes, RecvCarrier, OpenStream) {
        (self.send.carrier, self.recv.head, self.recv.carrier, self.open)
    }

    /// Bytes read already and put back.
    pub(crate) fn unread(&self) -> usize {
        self.recv.head.len()
    }

    /// Opener: waits for the acceptor's answer, which comes before any payload.
    pub async fn answered(&mut self) -> Result<(), StreamError> {
        self.recv.answered().await
    }

    /// Acceptor: answers the preamble. A refusal ends the stream.
    pub async fn answer(&mut self, answer: &Answer) -> Result<(), StreamError> {
        self.send.write(answer.encode()).await?;
        if answer.status != Status::Ok {
            self.recv.stop(answer.status as u32);
            self.send.finish().await?;
        }
        Ok(())
    }

    /// Acceptor: reads the preamble; payload that came in the same flight stays in the stream.
    pub(crate) async fn take_preamble(&mut self) -> Result<Preamble, PreambleError> {
        tokio::time::timeout(limits::PREAMBLE, self.read_preamble())
            .await
            .map_err(|_| PreambleError::Timeout(limits::PREAMBLE))?
    }

    async fn read_preamble(&mut self) -> Result<Preamble, PreambleError> {
        let mut head = self.recv.read().await?.ok_or(PreambleError::Ended)?;
        loop {
            if let Some(length) = Preamble::expected_len(&head)?
                && head.len() >= length
            {
                let preamble = Preamble::decode(&head[..length])?;
                head.advance(length);
                self.recv.put_back(head);
                return Ok(preamble);
            }
            let more = self.recv.read().await?.ok_or(PreambleError::Ended)?;
            let mut joined = BytesMut::from(head);
            joined.extend_from_slice(&more);
            head = joined.freeze();
        }
    }

    /// Ends both directions at once; the other side sees `code`.
    pub fn reset(&mut self, code: u32) {
        self.send.reset(code);
        self.recv.stop(code);
    }
}

/// A copying write takes at most this at once.
const WRITE_MAX: usize = 64 * 1024;

/// The sending direction.
#[derive(Debug)]
pub struct SendHalf {
    carrier: SendCarrier,
    line: Option<Arc<Lifeline>>,
}

impl SendHalf {
    /// Hands `chunk` over without copying; waits while the other side or the network is slow.
    pub async fn write(&mut self, mut chunk: Bytes) -> Result<(), StreamError> {
        while !chunk.is_empty() {
            poll_fn(|cx| self.poll_chunk(cx, &mut chunk)).await?;
        }
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Takes what it can off the front of `chunk`, at least one byte. What is taken may wait in the stream until the next
    /// call, or [`Self::poll_flush`]; a dropped call loses nothing.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>, chunk: &mut Bytes) -> Poll<Result<(), StreamError>> {
        match &self.line {
            None => self.carrier.poll_chunk(cx, chunk),
            Some(line) => line.poll_chunk(&mut self.carrier, cx, chunk),
        }
    }

    /// Sends what was taken and still waits; to be called before waiting for something else.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        match &self.line {
            None => self.carrier.poll_flush(cx),
            Some(line) => line.poll_flush(&mut self.carrier, cx),
        }
    }

    /// Ends this direction in order: the other side reads the end after the last byte.
    pub async fn finish(&mut self) -> Result<(), StreamError> {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        match &self.line {
            None => self.carrier.poll_finish(cx),
            Some(line) => line.poll_finish(&mut self.carrier, cx),
        }
    }

    /// Ends this direction at once; bytes under way are lost, the other side sees `code`.
    pub fn reset(&mut self, code: u32) {
        self.carrier.reset(code);
    }
}

/// The receiving direction.
#[derive(Debug)]
pub struct RecvHalf {
    /// Bytes read already and put back.
    head: Bytes,
    carrier: RecvCarrier,
    line: Option<Arc<Lifeline>>,
}

impl RecvHalf {
    /// Opener: waits for the acceptor's answer, which comes before any payload. Apart from [`Stream::answered`] so that
    /// payload may be sent meanwhile.
    pub async fn answered(&mut self) -> Result<(), StreamError> {
        let mut head = BytesMut::new();
        loop {
            match Answer::decode(&mut head) {
                Ok(Some(Answer { status: Status::Ok, .. })) => break,
                Ok(Some(Answer { status, reason })) => return Err(StreamError::Refused { status, reason }),
                Ok(None) => {}
                Err(error) => return Err(StreamError::BadAnswer(error.to_string())),
            }
            let chunk = self.read().await?.ok_or(StreamError::NoAnswer)?;
            head.extend_from_slice(&chunk);
        }
        self.put_back(head.freeze());
        Ok(())
    }

    /// The next chunk, as it came off the network; `None` at the end.
    pub async fn read(&mut self) -> Result<Option<Bytes>, StreamError> {
        let mut chunk = [Bytes::new()];
        let count = poll_fn(|cx| self.poll_chunks(cx, &mut chunk)).await?;
        let [chunk] = chunk;
        Ok((count > 0).then_some(chunk))
    }

    /// Fills `chunks` from the front with what is there; 0 at the end of the stream.
    pub fn poll_chunks(
        &mut self,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<usize, StreamError>> {
        if !self.head.is_empty() {
            chunks[0] = std::mem::take(&mut self.head);
            return Poll::Ready(Ok(1));
        }
        match &self.line {
            None => self.carrier.poll_chunks(cx, chunks),
            Some(line) => line.poll_chunks(&mut self.carrier, cx, chunks),
        }
    }

    /// The next read returns `bytes` first.
    pub fn put_back(&mut self, bytes: Bytes) {
        debug_assert!(self.head.is_empty(), "only what was just read is put back");
        self.head = bytes;
    }

    /// Tells the other side that nothing more is wanted.
    pub fn stop(&mut self, code: u32) {
        self.carrier.stop(code);
    }
}

impl AsyncRead for RecvHalf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut chunk = [Bytes::new()];
        if ready!(self.poll_chunks(cx, &mut chunk))? > 0 {
            let [mut chunk] = chunk;
            let now = chunk.split_to(chunk.len().min(buf.remaining()));
            buf.put_slice(&now);
            self.head = chunk;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SendHalf {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.line.is_none() {
            return self.carrier.poll_write(cx, buf);
        }
        // What may have to be sent again must be ours.
        let offered = buf.len().min(WRITE_MAX);
        let mut chunk = Bytes::copy_from_slice(&buf[..offered]);
        ready!(self.poll_chunk(cx, &mut chunk))?;
        Poll::Ready(Ok(offered - chunk.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_flush(&mut self, cx).map_err(io::Error::from)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx).map_err(io::Error::from)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.recv).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.send).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.send).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.send).poll_shutdown(cx)
    }
}
