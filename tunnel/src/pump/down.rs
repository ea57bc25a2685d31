//! Stream to socket.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::{End, Phase, TURNS};
use crate::stream::RecvHalf;

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Down {
    /// Chunks that the socket did not take yet; empty, and without memory, while the reader keeps up.
    pub(super) waiting: VecDeque<Bytes>,
    pub(super) phase: Phase,
    pub(super) moved: u64,
}

/// Chunks for one vectored write: 64 packets of 1,452 bytes are 91 KiB.
const CHUNKS: usize = 64;

impl Down {
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut (impl AsyncWrite + Unpin),
        recv: &mut RecvHalf,
    ) -> Poll<Result<(), End>> {
        for _ in 0..TURNS {
            while !self.waiting.is_empty() {
                let (front, _) = self.waiting.as_slices();
                let written = ready!(write_vectored(writer, cx, front)).map_err(|_| End::SocketBroke)?;
                self.moved += written as u64;
                drop_front(&mut self.waiting, written);
            }
            self.waiting = VecDeque::new();
            match self.phase {
                Phase::Flowing => ready!(self.fetch(cx, writer, recv))?,
                Phase::Ending => {
                    ready!(Pin::new(&mut *writer).poll_shutdown(cx)).map_err(|_| End::SocketBroke)?;
                    self.phase = Phase::Ended;
                }
                Phase::Ended => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes chunks off the stream and gives them to the socket at once; what it does not take waits.
    fn fetch(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut (impl AsyncWrite + Unpin),
        recv: &mut RecvHalf,
    ) -> Poll<Result<(), End>> {
        let mut chunks = [const { Bytes::new() }; CHUNKS];
        let count = match ready!(recv.poll_chunks(cx, &mut chunks)) {
            Ok(0) => {
                self.phase = Phase::Ending;
                return Poll::Ready(Ok(()));
            }
            Ok(count) => count,
            Err(_) => return Poll::Ready(Err(End::StreamBroke)),
        };
        let mut written = match write_vectored(writer, cx, &chunks[..count]) {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(_)) => return Poll::Ready(Err(End::SocketBroke)),
            Poll::Pending => 0,
        };
        self.moved += written as u64;
        for mut chunk in chunks.into_iter().take(count) {
            let taken = written.min(chunk.len());
            written -= taken;
            chunk.advance(taken);
            if !chunk.is_empty() {
                self.waiting.push_back(chunk);
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn write_vectored<W: AsyncWrite + Unpin>(
    writer: &mut W,
    cx: &mut Context<'_>,
    chunks: &[Bytes],
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); CHUNKS];
    let count = chunks.len().min(CHUNKS);
    for (slice, chunk) in slices.iter_mut().zip(chunks) {
        *slice = IoSlice::new(chunk);
    }
    match ready!(Pin::new(writer).poll_write_vectored(cx, &slices[..count]))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        written => Poll::Ready(Ok(written)),
    }
}

fn drop_front(waiting: &mut VecDeque<Bytes>, mut written: usize) {
    while written > 0 {
        let front = waiting.front_mut().expect("no more is written than waits");
        let taken = written.min(front.len());
        front.advance(taken);
        written -= taken;
        if front.is_empty() {
            waiting.pop_front();
        }
    }
}
