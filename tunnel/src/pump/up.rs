//! Socket to stream.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncRead;

use super::{End, Phase, TURNS};
use crate::scratch;
use crate::stream::SendHalf;

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Up {
    pub(super) chunk: Bytes,
    pub(super) phase: Phase,
    pub(super) moved: u64,
}

impl Up {
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut (impl AsyncRead + Unpin),
        send: &mut SendHalf,
    ) -> Poll<Result<(), End>> {
        for _ in 0..TURNS {
            if !self.chunk.is_empty() {
                let before = self.chunk.len();
                ready!(send.poll_chunk(cx, &mut self.chunk)).map_err(|_| End::StreamBroke)?;
                self.moved += (before - self.chunk.len()) as u64;
                continue;
            }
            match self.phase {
                Phase::Flowing => {
                    let Poll::Ready(read) = scratch::poll_read(reader, cx) else {
                        ready!(send.poll_flush(cx)).map_err(|_| End::StreamBroke)?;
                        return Poll::Pending;
                    };
                    self.chunk = read.map_err(|_| End::SocketBroke)?;
                    if self.chunk.is_empty() {
                        self.phase = Phase::Ending;
                    }
                }
                Phase::Ending => {
                    ready!(send.poll_finish(cx)).map_err(|_| End::StreamBroke)?;
                    self.phase = Phase::Ended;
                }
                Phase::Ended => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
