//! Joins a stream to a socket until both directions ended.
//!
//! One task moves both directions; it holds no buffer while nothing moves. From the socket a read of up to 64 KiB is
//! handed to the stream as it is; from the stream up to 64 chunks go to the socket in one vectored write.

mod patience;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::scratch;
use crate::stream::{RecvHalf, SendHalf, Stream};

pub use patience::Patience;
use patience::{State, Watch};

/// The code that tells the other side that our socket broke.
pub const RESET_SOCKET: u32 = 0x10;
/// The code that tells the other side that one of the [`Patience`] limits was reached.
pub const RESET_IMPATIENT: u32 = 0x11;

/// Why a pump ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Both directions ended in order.
    Finished,
    /// The other side of the tunnel reset the stream, or the tunnel was lost.
    StreamBroke,
    /// Our socket broke.
    SocketBroke,
    /// A limit of [`Patience`] was reached.
    Impatient,
}

/// What moved, and why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Bytes from the socket to the stream.
    pub to_stream: u64,
    /// Bytes from the stream to the socket.
    pub to_socket: u64,
    pub end: End,
}

/// Pumps a TCP connection; it is reset when the other side of the tunnel was.
pub async fn tcp(mut socket: TcpStream, stream: Stream, patience: Patience) -> Outcome {
    let (reader, writer) = socket.split();
    let outcome = join(reader, writer, stream, patience).await;
    if outcome.end != End::Finished {
        // Zero linger makes the close a reset (RFC 9293 §3.10.7); a socket that is gone cannot take it, and need not.
        let _gone = socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).is_err();
    }
    outcome
}

/// Pumps a unix socket.
pub async fn unix(mut socket: UnixStream, stream: Stream, patience: Patience) -> Outcome {
    let (reader, writer) = socket.split();
    join(reader, writer, stream, patience).await
}

/// Pumps any reader and writer.
pub async fn join<R, W>(reader: R, writer: W, stream: Stream, patience: Patience) -> Outcome
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut stream = stream;
    let mut up = Up { reader, chunk: Bytes::new(), phase: Phase::Flowing, moved: 0 };
    let mut down = Down { writer, waiting: VecDeque::new(), phase: Phase::Flowing, moved: 0 };
    let mut watch = Watch::new(patience);
    let end = poll_fn(|cx| {
        let before = (up.moved, down.moved);
        let upward = up.poll(cx, &mut stream.send);
        let downward = down.poll(cx, &mut stream.recv);
        match (upward, downward) {
            (Poll::Ready(Err(end)), _) | (_, Poll::Ready(Err(end))) => return Poll::Ready(end),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(End::Finished),
            _ => {}
        }
        let state = State {
            moved: before != (up.moved, down.moved),
            half_closed: up.phase == Phase::Ended || down.phase == Phase::Ended,
            waiting: !up.chunk.is_empty() || !down.waiting.is_empty(),
        };
        watch.poll(cx, &state).map(|()| End::Impatient)
    })
    .await;
    match end {
        End::Finished => {}
        End::Impatient => stream.reset(RESET_IMPATIENT),
        End::StreamBroke | End::SocketBroke => stream.reset(RESET_SOCKET),
    }
    Outcome { to_stream: up.moved, to_socket: down.moved, end }
}

/// How far one direction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Flowing,
    /// The source ended; the sink is still to be told.
    Ending,
    Ended,
}

/// A direction moves at most this many chunks before others get their turn.
const TURNS: usize = 16;

/// Socket to stream.
struct Up<R> {
    reader: R,
    chunk: Bytes,
    phase: Phase,
    moved: u64,
}

impl<R: AsyncRead + Unpin> Up<R> {
    fn poll(&mut self, cx: &mut Context<'_>, send: &mut SendHalf) -> Poll<Result<(), End>> {
        for _ in 0..TURNS {
            if !self.chunk.is_empty() {
                let before = self.chunk.len();
                ready!(send.poll_chunk(cx, &mut self.chunk)).map_err(|_| End::StreamBroke)?;
                self.moved += (before - self.chunk.len()) as u64;
                continue;
            }
            match self.phase {
                Phase::Flowing => {
                    let Poll::Ready(read) = scratch::poll_read(&mut self.reader, cx) else {
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

/// Stream to socket.
struct Down<W> {
    writer: W,
    /// Chunks that the socket did not take yet; empty, and without memory, while the reader keeps up.
    waiting: VecDeque<Bytes>,
    phase: Phase,
    moved: u64,
}

/// Chunks for one vectored write: 64 packets of 1,452 bytes are 91 KiB.
const CHUNKS: usize = 64;

impl<W: AsyncWrite + Unpin> Down<W> {
    fn poll(&mut self, cx: &mut Context<'_>, recv: &mut RecvHalf) -> Poll<Result<(), End>> {
        for _ in 0..TURNS {
            while !self.waiting.is_empty() {
                let (front, _) = self.waiting.as_slices();
                let written =
                    ready!(write_vectored(&mut self.writer, cx, front)).map_err(|_| End::SocketBroke)?;
                self.moved += written as u64;
                drop_front(&mut self.waiting, written);
            }
            self.waiting = VecDeque::new();
            match self.phase {
                Phase::Flowing => ready!(self.fetch(cx, recv))?,
                Phase::Ending => {
                    ready!(Pin::new(&mut self.writer).poll_shutdown(cx)).map_err(|_| End::SocketBroke)?;
                    self.phase = Phase::Ended;
                }
                Phase::Ended => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes chunks off the stream and gives them to the socket at once; what it does not take waits.
    fn fetch(&mut self, cx: &mut Context<'_>, recv: &mut RecvHalf) -> Poll<Result<(), End>> {
        let mut chunks = [const { Bytes::new() }; CHUNKS];
        let count = match ready!(recv.poll_chunks(cx, &mut chunks)) {
            Ok(0) => {
                self.phase = Phase::Ending;
                return Poll::Ready(Ok(()));
            }
            Ok(count) => count,
            Err(_) => return Poll::Ready(Err(End::StreamBroke)),
        };
        let mut written = match write_vectored(&mut self.writer, cx, &chunks[..count]) {
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
