//! Bytes between two TCP sockets, both ways, each direction ended on its own. Small amounts are copied; once a
//! direction has moved enough without a pause, its bytes go through a pipe and stay in the kernel.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::Shutdown;
use rustix::pipe::{SpliceFlags, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tunnel::pump::Patience;

use crate::pipes::Pipe;

/// One read or splice moves at most this: more does not raise the throughput, and others wait meanwhile.
const COPY: usize = 64 * 1024;
/// A direction is spliced after this much without a pause: below it two system calls for copying 1 to 16 KiB cost
/// less than two for splicing them.
const SPLICE_AFTER: usize = 128 * 1024;
/// A direction moves at most this often before others get their turn.
const TURNS: usize = 16;

/// What a relay moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub to_far: u64,
    pub to_near: u64,
    /// Both directions ended in order; otherwise both sockets are to be reset.
    pub is_orderly: bool,
}

/// Relays until both directions ended, one side broke, or `patience` is over.
pub(crate) async fn relay(near: &TcpStream, far: &TcpStream, patience: Patience) -> Moved {
    let mut to_far = Direction::default();
    let mut to_near = Direction::default();
    let mut watch = Watch::new(patience);
    let is_orderly = poll_fn(|cx| {
        let before = (to_far.moved, to_near.moved);
        let forward = to_far.poll(cx, near, far);
        let backward = to_near.poll(cx, far, near);
        match (forward, backward) {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => return Poll::Ready(false),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(true),
            _ => {}
        }
        let moved = before != (to_far.moved, to_near.moved);
        let half_closed = to_far.has_ended || to_near.has_ended;
        let waiting = to_far.is_waiting() || to_near.is_waiting();
        watch.poll(cx, moved, half_closed, waiting).map(|()| false)
    })
    .await;
    Moved { to_far: to_far.moved, to_near: to_near.moved, is_orderly }
}

/// One way, from a source to a sink.
#[derive(Debug, Default)]
struct Direction {
    held: Held,
    moved: u64,
    /// Bytes since the source last had none.
    burst: usize,
    source_ended: bool,
    has_ended: bool,
}

/// Bytes that the sink did not take yet.
#[derive(Debug, Default)]
enum Held {
    #[default]
    Nothing,
    Copied(Vec<u8>, usize),
    Piped(Pipe, usize),
}

impl Direction {
    fn is_waiting(&self) -> bool {
        match &self.held {
            Held::Nothing => false,
            Held::Copied(..) => true,
            Held::Piped(_, count) => *count > 0,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, from: &TcpStream, to: &TcpStream) -> Poll<io::Result<()>> {
        for _ in 0..TURNS {
            if self.has_ended {
                return Poll::Ready(Ok(()));
            }
            if self.is_waiting() {
                ready!(self.empty(cx, to))?;
            } else if self.source_ended {
                rustix::net::shutdown(to, Shutdown::Write)?;
                self.held = Held::Nothing;
                self.has_ended = true;
            } else {
                match self.fill(cx, from, to) {
                    Poll::Ready(filled) => filled?,
                    Poll::Pending => {
                        self.rest();
                        return Poll::Pending;
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The source has nothing now: an empty pipe goes back to the others.
    fn rest(&mut self) {
        self.burst = 0;
        if let Held::Piped(pipe, _) = std::mem::take(&mut self.held) {
            pipe.give_back();
        }
    }

    /// Takes what the source has, through the pipe in a long burst, and by copying otherwise.
    fn fill(&mut self, cx: &mut Context<'_>, from: &TcpStream, to: &TcpStream) -> Poll<io::Result<()>> {
        if self.burst >= SPLICE_AFTER
            && matches!(self.held, Held::Nothing)
            && let Some(pipe) = Pipe::take()
        {
            self.held = Held::Piped(pipe, 0);
        }
        let count = match &mut self.held {
            Held::Piped(pipe, held) => {
                let count = ready!(poll_io(cx, from, Interest::READABLE, || {
                    splice(
                        from,
                        None,
                        &pipe.write,
                        None,
                        pipe.size,
                        SpliceFlags::MOVE | SpliceFlags::NONBLOCK,
                    )
                }))?;
                *held = count;
                count
            }
            _ => ready!(self.copy(cx, from, to))?,
        };
        self.source_ended = count == 0;
        self.burst = self.burst.saturating_add(count);
        Poll::Ready(Ok(()))
    }

    /// Reads into the thread's buffer and writes at once; only what the sink does not take gets memory of its own.
    fn copy(&mut self, cx: &mut Context<'_>, from: &TcpStream, to: &TcpStream) -> Poll<io::Result<usize>> {
        with_buffer(|buffer| {
            let count = ready!(poll_read(cx, from, buffer))?;
            let mut written = 0;
            while written < count {
                match poll_io(cx, to, Interest::WRITABLE, || rustix::io::write(to, &buffer[written..count])) {
                    Poll::Ready(now) => written += now?,
                    Poll::Pending => break,
                }
            }
            self.moved += written as u64;
            if written < count {
                self.held = Held::Copied(buffer[written..count].to_vec(), 0);
            }
            Poll::Ready(Ok(count))
        })
    }

    /// Gives the sink what it takes.
    fn empty(&mut self, cx: &mut Context<'_>, to: &TcpStream) -> Poll<io::Result<()>> {
        let written = match &mut self.held {
            Held::Nothing => return Poll::Ready(Ok(())),
            Held::Copied(bytes, at) => {
                let written =
                    ready!(poll_io(cx, to, Interest::WRITABLE, || rustix::io::write(to, &bytes[*at..])))?;
                *at += written;
                let is_done = *at == bytes.len();
                if is_done {
                    self.held = Held::Nothing;
                }
                written
            }
            Held::Piped(pipe, held) => {
                let written = ready!(poll_io(cx, to, Interest::WRITABLE, || {
                    splice(&pipe.read, None, to, None, *held, SpliceFlags::MOVE | SpliceFlags::NONBLOCK)
                }))?;
                *held -= written;
                written
            }
        };
        self.moved += written as u64;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(()))
    }
}

/// Does `act` when the socket is ready for it; forgets the readiness when it was not.
fn poll_io(
    cx: &mut Context<'_>,
    socket: &TcpStream,
    interest: Interest,
    mut act: impl FnMut() -> rustix::io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        if interest.is_readable() {
            ready!(socket.poll_read_ready(cx))?;
        } else {
            ready!(socket.poll_write_ready(cx))?;
        }
        match socket.try_io(interest, || act().map_err(io::Error::from)) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            done => return Poll::Ready(done),
        }
    }
}

/// Reads; a read that does not fill the buffer has emptied the socket, so the next one waits for news instead of asking
/// the kernel once more.
fn poll_read(cx: &mut Context<'_>, socket: &TcpStream, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut short = None;
    let read = poll_io(cx, socket, Interest::READABLE, || match short {
        None => {
            let count = rustix::io::read(socket, &mut *buffer)?;
            if 0 < count && count < buffer.len() {
                short = Some(count);
                // Makes the runtime forget that the socket was ready.
                return Err(rustix::io::Errno::AGAIN);
            }
            Ok(count)
        }
        // The socket became ready again meanwhile; what was read comes first.
        Some(count) => Ok(count),
    });
    short.map_or(read, |count| Poll::Ready(Ok(count)))
}

fn with_buffer<T>(act: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local! {
        static BUFFER: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(COPY, 0);
        act(buffer)
    })
}

/// Ends a relay that waits for too long; looks only now and then.
struct Watch {
    patience: Patience,
    look: Pin<Box<Sleep>>,
    moved_at: Instant,
}

impl Watch {
    fn new(patience: Patience) -> Self {
        let moved_at = Instant::now();
        Self { patience, look: Box::pin(tokio::time::sleep_until(moved_at + pause(&patience))), moved_at }
    }

    fn poll(&mut self, cx: &mut Context<'_>, moved: bool, half_closed: bool, waiting: bool) -> Poll<()> {
        if moved {
            self.moved_at = Instant::now();
        }
        while self.look.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if self.is_over(now - self.moved_at, half_closed, waiting) {
                return Poll::Ready(());
            }
            self.look.as_mut().reset(now + pause(&self.patience));
        }
        Poll::Pending
    }

    fn is_over(&self, quiet: Duration, half_closed: bool, waiting: bool) -> bool {
        let Patience { half_closed: half, write, idle } = self.patience;
        (half_closed && quiet >= half)
            || (waiting && quiet >= write)
            || idle.is_some_and(|idle| quiet >= idle)
    }
}

fn pause(patience: &Patience) -> Duration {
    let shortest = patience.half_closed.min(patience.write);
    patience.idle.map_or(shortest, |idle| idle.min(shortest)) / 2
}

#[cfg(test)]
mod tests;
