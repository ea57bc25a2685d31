//! HTTP/1.1 before hyper reads it: a request that could be read in two ways becomes one that is answered here, with
//! the page and the code of any other refusal. hyper itself is lenient where the standard lets it, and answers bare.

mod chunks;
mod head;
mod linger;
mod write;

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use self::chunks::Chunks;
use self::head::{Framing, end, framing};
use self::linger::Linger;
use super::answer::Problem;

/// Read at once while a head is looked for; most are smaller.
const READ: usize = 8 * 1024;

/// Which request of a connection is refused, and why; there is one at most, the last.
#[derive(Clone, Debug, Default)]
pub(super) struct Refused(Arc<Refusal>);

#[derive(Debug, Default)]
struct Refusal {
    found: OnceLock<(u64, Problem)>,
    answered: AtomicU64,
}

impl Refused {
    /// What to say to the next request instead of doing what it asks.
    pub(super) fn next(&self) -> Option<Problem> {
        let next = self.0.answered.fetch_add(1, Ordering::Relaxed);
        self.0.found.get().filter(|(which, _)| *which == next).map(|(_, problem)| problem.clone())
    }
}

/// A client's socket that passes on what is well formed.
#[derive(Debug)]
pub(super) struct Strict<S> {
    socket: S,
    phase: Phase,
    /// Read and not passed on: the beginning of a head, or what came behind a body.
    kept: BytesMut,
    /// Heads passed on.
    heads: u64,
    refused: Refused,
}

/// What comes next.
#[derive(Debug)]
enum Phase {
    /// A head, of which so many bytes were looked at.
    Head(usize),
    /// Bytes of a head, and a body if its length is known; chunks after them, or another head.
    Pass {
        left: u64,
        chunked: bool,
    },
    Chunked(Chunks),
    /// Not ours to read.
    Opaque,
    /// A request of our own in place of a bad one, and then nothing.
    Over(Linger),
}

impl<S> Strict<S> {
    /// `h2`: HTTP/2 comes, which has its own framing.
    pub(super) fn new(socket: S, h2: bool) -> (Self, Refused) {
        let refused = Refused::default();
        let phase = if h2 { Phase::Opaque } else { Phase::Head(0) };
        (Self { socket, phase, kept: BytesMut::new(), heads: 0, refused: refused.clone() }, refused)
    }

    /// Looks for a head in what is kept; `false`: more of it must come.
    fn find_head(&mut self, seen: usize) -> bool {
        let mut seen = seen;
        // An empty line in front of a request is nothing (RFC 9112 §2.2).
        while self.kept.starts_with(b"\r\n") {
            self.kept.advance(2);
            seen = 0;
        }
        let found = end(&self.kept, seen);
        let read = found.and_then(|end| match end {
            None => Ok(None),
            Some(end) => framing(&self.kept[..end]).map(|framing| Some((end as u64, framing))),
        });
        self.phase = match read {
            Ok(None) => {
                self.phase = Phase::Head(self.kept.len());
                return false;
            }
            Ok(Some((_, Framing::Opaque))) => Phase::Opaque,
            Ok(Some((end, Framing::Chunked))) => Phase::Pass { left: end, chunked: true },
            Ok(Some((end, Framing::Length(length)))) => {
                Phase::Pass { left: end.saturating_add(length), chunked: false }
            }
            Err(problem) => {
                self.kept = in_place_of(&self.kept);
                // There is no second one: nothing is read after it.
                let _first = self.refused.0.found.set((self.heads, problem));
                Phase::Over(Linger::default())
            }
        };
        self.heads += 1;
        true
    }

    /// How many of `bytes`, which come next, may go on.
    fn pass(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.phase {
            Phase::Head(_) => Ok(0),
            Phase::Opaque | Phase::Over(_) => Ok(bytes.len()),
            Phase::Pass { left, chunked } => {
                let now = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= now as u64;
                if *left == 0 {
                    self.phase = if *chunked { Phase::Chunked(Chunks::default()) } else { Phase::Head(0) };
                }
                Ok(now)
            }
            Phase::Chunked(chunks) => {
                let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
                let now = chunks.advance(bytes).map_err(invalid)?;
                if *chunks == Chunks::End {
                    self.phase = Phase::Head(0);
                }
                Ok(now)
            }
        }
    }
}

/// Asks for nothing, and for the kind of answer that the bad request asked for.
fn in_place_of(bad: &[u8]) -> BytesMut {
    let method = if bad.starts_with(b"HEAD ") { "HEAD" } else { "GET" };
    let html = bad.windows(b"text/html".len()).any(|word| word == b"text/html");
    let accept = if html { "accept: text/html\r\n" } else { "" };
    format!("{method} / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n{accept}\r\n").as_bytes().into()
}

impl<S: AsyncRead + Unpin> Strict<S> {
    /// Reads until a head is there; `false` at the end of the connection.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while let Phase::Head(seen) = self.phase {
            if self.kept.len() > seen && self.find_head(seen) {
                break;
            }
            let mut space = [0; READ];
            let mut space = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut space))?;
            if space.filled().is_empty() {
                return Poll::Ready(Ok(false));
            }
            self.kept.extend_from_slice(space.filled());
        }
        Poll::Ready(Ok(true))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !ready!(this.poll_head(cx))? {
            return Poll::Ready(Ok(()));
        }
        if !this.kept.is_empty() {
            let offered = this.kept.split_to(this.kept.len().min(buf.remaining()));
            let now = this.pass(&offered)?;
            buf.put_slice(&offered[..now]);
            this.keep_before(&offered[now..]);
            return Poll::Ready(Ok(()));
        }
        if matches!(this.phase, Phase::Over(_)) {
            // The answer closes the connection.
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buf))?;
        let now = this.pass(&buf.filled()[before..])?;
        this.keep_before(&buf.filled()[before + now..]);
        buf.set_filled(before + now);
        Poll::Ready(Ok(()))
    }
}

impl<S> Strict<S> {
    /// Puts `bytes` in front of what is kept.
    fn keep_before(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let behind = std::mem::replace(&mut self.kept, bytes.into());
            self.kept.extend_from_slice(&behind);
        }
    }
}
