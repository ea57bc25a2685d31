//! The two halves of a stream over a data connection.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};

use super::link::Link;
use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::StreamError;

/// Begins a stream on `link`.
pub(super) fn begin(link: &Arc<Link>) -> (SendCarrier, RecvCarrier) {
    link.begin();
    (SendCarrier::Tls(Send(link.clone())), RecvCarrier::Tls(Recv(link.clone())))
}

/// Dropped without an end, it ends the direction in order, as QUIC's does.
#[derive(Debug)]
pub(crate) struct Send(Arc<Link>);

impl Send {
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<Result<(), StreamError>> {
        let taken = ready!(self.0.poll_data(cx, chunk))?;
        chunk.advance(taken);
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.0.poll_finish(cx)
    }

    pub(crate) fn reset(&mut self, code: u32) {
        self.0.reset(code);
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_data(cx, buf).map_err(io::Error::from)
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.0.poll_flush(cx)
    }
}

impl Drop for Send {
    fn drop(&mut self) {
        self.0.end();
        self.0.drop_half();
    }
}

/// Dropped before the end, it tells the other side that nothing more is read, as QUIC's does.
#[derive(Debug)]
pub(crate) struct Recv(Arc<Link>);

impl Recv {
    pub(crate) fn poll_chunks(
        &mut self,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<usize, StreamError>> {
        self.0.poll_chunks(cx, chunks)
    }

    pub(crate) fn stop(&mut self, code: u32) {
        self.0.stop(code);
    }
}

impl Drop for Recv {
    fn drop(&mut self) {
        self.0.stop(0);
        self.0.drop_half();
    }
}
