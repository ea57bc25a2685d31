//! What carries a tunnel and its streams: QUIC or TLS, told apart only here.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::error::{Close, StreamError};
use crate::limits;
use crate::quic;
use crate::tls;

/// The connection under a tunnel.
#[derive(Debug)]
pub(crate) enum Carrier {
    Quic(quic::Carrier),
    Tls(tls::Carrier),
}

impl Carrier {
    pub(crate) fn authenticated(&self) {
        match self {
            Self::Quic(quic) => quic.authenticated(),
            Self::Tls(_) => {}
        }
    }

    pub(crate) fn close(&self, close: &Close) {
        match self {
            Self::Quic(quic) => quic.close(close),
            // The control stream tells the code and the reason.
            Self::Tls(tls) => tls.close(),
        }
    }
}

/// The sending half of a stream.
#[derive(Debug)]
pub(crate) enum SendCarrier {
    Quic(quic::Send),
    Tls(tls::Send),
}

impl SendCarrier {
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<Result<(), StreamError>> {
        match self {
            Self::Quic(send) => send.poll_chunk(cx, chunk),
            Self::Tls(send) => send.poll_chunk(cx, chunk),
        }
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        match self {
            Self::Quic(_) => Poll::Ready(Ok(())),
            Self::Tls(send) => send.poll_flush(cx),
        }
    }

    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        match self {
            Self::Quic(send) => Poll::Ready(send.finish()),
            Self::Tls(send) => send.poll_finish(cx),
        }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Quic(send) => send.poll_write(cx, buf),
            Self::Tls(send) => send.poll_write(cx, buf),
        }
    }

    /// Bytes to keep for another tunnel: more than the other side can have received and not read.
    pub(crate) fn worth_keeping(&self) -> u64 {
        match self {
            Self::Quic(send) => limits::KEPT + send.window() - u64::from(limits::WINDOW_STREAM),
            Self::Tls(_) => limits::KEPT,
        }
    }

    pub(crate) fn reset(&mut self, code: u32) {
        match self {
            Self::Quic(send) => send.reset(code),
            Self::Tls(send) => send.reset(code),
        }
    }
}

/// The receiving half of a stream.
#[derive(Debug)]
pub(crate) enum RecvCarrier {
    Quic(quic::Recv),
    Tls(tls::Recv),
}

impl RecvCarrier {
    pub(crate) fn poll_chunks(
        &mut self,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<usize, StreamError>> {
        match self {
            Self::Quic(recv) => recv.poll_chunks(cx, chunks),
            Self::Tls(recv) => recv.poll_chunks(cx, chunks),
        }
    }

    pub(crate) fn stop(&mut self, code: u32) {
        match self {
            Self::Quic(recv) => recv.stop(code),
            Self::Tls(recv) => recv.stop(code),
        }
    }
}
