//! Joins a stream to a socket until both directions ended.
//!
//! One task moves both directions; it holds no buffer while nothing moves. From the socket a read of up to 64 KiB is
//! handed to the stream as it is; from the stream up to 64 chunks go to the socket in one vectored write.

mod down;
mod patience;
mod up;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use self::down::Down;
use self::patience::{State, Watch};
use self::up::Up;
use crate::stream::Stream;

pub use patience::Patience;

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
pub fn tcp(socket: TcpStream, stream: Stream, patience: Patience) -> Pump<TcpStream> {
    // Zero linger makes the close a reset (RFC 9293 §3.10.7); a socket that is gone cannot take it, and need not.
    let reset = |socket: &mut TcpStream| drop(SockRef::from(&*socket).set_linger(Some(Duration::ZERO)));
    Pump { on_break: reset, ..join(socket, stream, patience) }
}

/// Pumps another stream, of a tunnel that leads on; it is reset when this one broke.
pub fn onward(onward: Stream, stream: Stream, patience: Patience) -> Pump<Stream> {
    Pump { on_break: |onward| onward.reset(RESET_SOCKET), ..join(onward, stream, patience) }
}

/// Pumps anything else.
pub fn join<S: AsyncRead + AsyncWrite + Unpin>(socket: S, stream: Stream, patience: Patience) -> Pump<S> {
    Pump {
        socket,
        stream,
        up: Up::default(),
        down: Down::default(),
        watch: Watch::new(patience),
        on_break: |_| (),
    }
}

/// Moves both directions until they ended. Written out rather than an async block, which would keep every argument twice:
/// a connection that is held costs little more than this.
#[derive(Debug)]
#[must_use = "nothing moves until it is awaited"]
pub struct Pump<S> {
    socket: S,
    stream: Stream,
    up: Up,
    down: Down,
    watch: Watch,
    /// What whoever is at the socket sees of an end that is none.
    on_break: fn(&mut S),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Pump<S> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let pump = &mut *self;
        let end = ready!(pump.poll_end(cx));
        match end {
            End::Finished => {}
            End::Impatient => pump.stream.reset(RESET_IMPATIENT),
            End::StreamBroke | End::SocketBroke => pump.stream.reset(RESET_SOCKET),
        }
        if end != End::Finished {
            (pump.on_break)(&mut pump.socket);
        }
        Poll::Ready(Outcome { to_stream: pump.up.moved, to_socket: pump.down.moved, end })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let Self { socket, stream, up, down, .. } = self;
        let before = (up.moved, down.moved);
        let upward = up.poll(cx, socket, &mut stream.send);
        let downward = down.poll(cx, socket, &mut stream.recv);
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
        self.watch.poll(cx, &state).map(|()| End::Impatient)
    }
}

/// How far one direction is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Flowing,
    /// The source ended; the sink is still to be told.
    Ending,
    Ended,
}

/// A direction moves at most this many chunks before others get their turn.
const TURNS: usize = 16;
