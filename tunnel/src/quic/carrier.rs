//! One QUIC connection as the carrier of a tunnel, and the halves of its streams.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use quinn::{ConnectionError, ReadError, VarInt, WriteError};
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::socket::BufferSizes;
use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::{Close, CloseCode, OpenError, StreamError};
use crate::limits;
use crate::tunnel::Stats;

/// The connection, and the endpoint that drives it.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    connection: quinn::Connection,
    /// A dialler's endpoint belongs to its one connection.
    _endpoint: quinn::Endpoint,
    granted: Arc<AtomicU32>,
    /// Of a dialler's own socket.
    buffers: Option<BufferSizes>,
}

impl Carrier {
    pub(super) fn new(connection: quinn::Connection, endpoint: quinn::Endpoint, granted: u32) -> Self {
        Self { connection, _endpoint: endpoint, granted: Arc::new(granted.into()), buffers: None }
    }

    pub(super) fn with_buffers(self, buffers: BufferSizes) -> Self {
        Self { buffers: Some(buffers), ..self }
    }

    pub(crate) fn buffers(&self) -> Option<BufferSizes> {
        self.buffers
    }

    /// The peer is known now: lift the limits that hold before the hello.
    pub(crate) fn authenticated(&self) {
        self.connection.set_receive_window(limits::WINDOW_TUNNEL.into());
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    pub(crate) fn close(&self, close: &Close) {
        self.connection.close((close.code as u32).into(), close.reason.as_bytes());
    }

    pub(crate) async fn lost(&self) -> Close {
        close_of(&self.connection.closed().await)
    }

    pub(crate) async fn open(&self, wait: Duration) -> Result<(SendCarrier, RecvCarrier), OpenError> {
        let (send, recv) = tokio::time::timeout(wait, self.connection.open_bi())
            .await
            .map_err(|_| OpenError::NoCredit)?
            .map_err(|error| OpenError::Closed(close_of(&error)))?;
        Ok((SendCarrier::Quic(Send::new(send)), RecvCarrier::Quic(Recv(recv))))
    }

    pub(crate) async fn accept(&self, open_streams: usize) -> Result<(SendCarrier, RecvCarrier), Close> {
        self.grant_more(open_streams);
        let (send, recv) = self.connection.accept_bi().await.map_err(|error| close_of(&error))?;
        Ok((SendCarrier::Quic(Send::new(send)), RecvCarrier::Quic(Recv(recv))))
    }

    /// Doubles the grant while three quarters of it are in use.
    fn grant_more(&self, open_streams: usize) {
        let granted = self.granted.load(Ordering::Relaxed);
        if open_streams * 4 >= granted as usize * 3 && granted < limits::STREAMS_AT_MOST {
            let more = (granted * 2).min(limits::STREAMS_AT_MOST);
            self.granted.store(more, Ordering::Relaxed);
            self.connection.set_max_concurrent_bi_streams(more.into());
        }
    }

    pub(crate) fn fill(&self, stats: &mut Stats) {
        let quic = self.connection.stats();
        stats.rtt = Some(quic.path.rtt);
        stats.mtu = Some(quic.path.current_mtu);
        stats.window = Some(quic.path.cwnd);
        stats.lost_packets = quic.path.lost_packets;
        stats.sent_bytes = quic.udp_tx.bytes;
        stats.received_bytes = quic.udp_rx.bytes;
    }
}

fn close_of(error: &ConnectionError) -> Close {
    match error {
        ConnectionError::ApplicationClosed(close) => Close::remote(
            CloseCode::from_u64(close.error_code.into_inner()),
            String::from_utf8_lossy(&close.reason),
        ),
        // Why we closed it, the tunnel knows; it ends the streams that must end.
        ConnectionError::LocallyClosed => Close::local(CloseCode::Lost, "closed"),
        ConnectionError::TimedOut => Close::local(CloseCode::Silent, "no packet came for too long"),
        ConnectionError::Reset => Close::remote(CloseCode::Forgotten, "the other side was restarted"),
        other => Close::local(CloseCode::Lost, other.to_string()),
    }
}

/// A stream that sent little lately goes before those that send much, so a keystroke does not wait behind a download.
const PRIORITY_NEW: i32 = 1;
const PRIORITY_BULK: i32 = 0;
const BULK_AFTER: usize = 256 * 1024;
const CALM_AFTER: Duration = Duration::from_millis(200);

/// The sending half of a QUIC stream.
#[derive(Debug)]
pub(crate) struct Send {
    stream: quinn::SendStream,
    /// Bytes sent since the last pause of [`CALM_AFTER`].
    burst: usize,
    last: Option<Instant>,
}

impl Send {
    fn new(stream: quinn::SendStream) -> Self {
        Self { stream, burst: 0, last: None }
    }

    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<Result<(), StreamError>> {
        let before = chunk.len();
        // The write leaves in `chunk` what it did not take, so it may be dropped and made anew at each poll.
        let written = {
            let write = pin!(self.stream.write_chunks(std::slice::from_mut(chunk)));
            ready!(write.poll(cx))
        };
        written.map_err(|error| write_error(&error))?;
        self.rank(before - chunk.len());
        Poll::Ready(Ok(()))
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

    pub(crate) fn finish(&mut self) -> Result<(), StreamError> {
        self.stream.finish().map_err(|_| StreamError::Ended)
    }

    pub(crate) fn reset(&mut self, code: u32) {
        // Fails only when the stream ended already.
        let _ended = self.stream.reset(code.into()).is_err();
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.stream), cx, buf)
    }
}

fn write_error(error: &WriteError) -> StreamError {
    match error {
        WriteError::Stopped(code) => StreamError::Reset(code_of(*code)),
        WriteError::ConnectionLost(error) => StreamError::Lost(close_of(error)),
        WriteError::ClosedStream | WriteError::ZeroRttRejected => StreamError::Ended,
    }
}

fn code_of(code: VarInt) -> u32 {
    u32::try_from(code.into_inner()).unwrap_or(u32::MAX)
}

/// The receiving half of a QUIC stream.
#[derive(Debug)]
pub(crate) struct Recv(quinn::RecvStream);

impl Recv {
    pub(crate) fn poll_chunks(
        &mut self,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<usize, StreamError>> {
        // The read keeps no state of its own, so it may be dropped and made anew at each poll.
        let read = pin!(self.0.read_chunks(chunks));
        read.poll(cx).map(|read| match read {
            Ok(count) => Ok(count.unwrap_or(0)),
            Err(ReadError::Reset(code)) => Err(StreamError::Reset(code_of(code))),
            Err(ReadError::ConnectionLost(error)) => Err(StreamError::Lost(close_of(&error))),
            Err(_) => Err(StreamError::Ended),
        })
    }

    pub(crate) fn stop(&mut self, code: u32) {
        // Fails only when the stream ended already.
        let _ended = self.0.stop(code.into()).is_err();
    }
}
