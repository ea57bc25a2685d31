//! Streams that outlive their tunnel.
//!
//! A network that begins to block UDP, or a firewall that forgets a connection, takes a tunnel away while both processes
//! live. A stream with a lifeline goes on over another tunnel between them: each side keeps what it sent and the other
//! has not read, and both tell how much they have.
//!
//! ```text
//!            tunnel lost                 resumed, the rest sent again
//! Carried ───────────────▶ Lost ───────────────────────────▶ Carried
//!                            │ no other tunnel, other side gone, not kept any more
//!                            └───────────────▶ Dead
//! ```
//!
//! The opener finds the other tunnel and opens a stream on it whose preamble names the one to go on with
//! ([`Life::Resumed`](crate::wire::Life::Resumed)); the acceptor answers with what it has.

mod budget;
mod direction;
mod kept;
mod resume;
mod survivors;
mod unreported;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use budget::Budget;
use direction::{Direction, Hold};
use kept::Kept;
pub(crate) use resume::accept_resumed;
use resume::{awaited, expire, revive};
pub use survivors::Survivors;
use unreported::Unreported;

use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::StreamError;
use crate::stream::{OpenStream, Stream};
use crate::tunnel::Tunnel;
use crate::wire::{Preamble, StreamId};

/// Where the opener finds another tunnel to the same process of the same peer; asked again while it is not there yet.
pub type Ways = Arc<dyn Fn() -> Onward<Tunnel> + Send + Sync>;

/// Where a lost stream goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Onward<T> {
    Over(T),
    NotYet,
    /// The process at the other end is known to be gone, and its streams with it.
    Never,
}

/// Both directions of one surviving stream, shared by its halves.
pub(crate) struct Lifeline {
    id: StreamId,
    side: Side,
    state: Mutex<State>,
}

enum Side {
    Opener { preamble: Preamble, ways: Ways },
    Acceptor,
}

struct State {
    outgoing: Direction<SendCarrier>,
    incoming: Direction<(Bytes, RecvCarrier)>,
    kept: Kept,
    /// We ended our direction.
    finished: bool,
    /// Bytes that the reader on this side was given, and how many of them the other side knows of.
    received: u64,
    reported: u64,
    unreported: Option<Arc<Unreported>>,
    /// Counts the losses and resumptions, so that an older one cannot interfere.
    attempt: u64,
    /// Opener: a task looks for another tunnel.
    reviving: bool,
    /// Counts the stream on the tunnel that carries it since the last resumption.
    _open: Option<OpenStream>,
}

/// Why a resumption did not succeed.
enum Attempt {
    /// Another tunnel may do.
    Again,
    Never(&'static str),
}

/// The acceptor's side of every surviving stream of this process, by its random id.
static ACCEPTED: LazyLock<Mutex<HashMap<StreamId, Weak<Lifeline>>>> = LazyLock::new(Mutex::default);

impl Lifeline {
    /// `sent` left with the preamble.
    pub(crate) fn opener(id: StreamId, preamble: Preamble, ways: Ways, sent: Bytes) -> Arc<Self> {
        let mut kept = Kept::default();
        if !sent.is_empty() {
            kept.push(sent);
        }
        Arc::new(Self { id, side: Side::Opener { preamble, ways }, state: Mutex::new(State::new(kept, 0)) })
    }

    /// `received` bytes came with the preamble. `None` for an id that is in use: a peer that repeats it gets no stream.
    pub(crate) fn acceptor(id: StreamId, received: u64) -> Option<Arc<Self>> {
        let line = Arc::new(Self {
            id,
            side: Side::Acceptor,
            state: Mutex::new(State::new(Kept::default(), received)),
        });
        let mut accepted = ACCEPTED.lock().expect("no panic while held");
        if accepted.get(&id).is_some_and(|line| line.strong_count() > 0) {
            return None;
        }
        accepted.insert(id, Arc::downgrade(&line));
        Some(line)
    }

    fn id(&self) -> StreamId {
        self.id
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    pub(crate) fn poll_chunk(
        self: &Arc<Self>,
        carrier: &mut SendCarrier,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<Result<(), StreamError>> {
        let mut state = self.lock();
        loop {
            if let Some(fresh) = ready!(state.outgoing.settle(cx))? {
                *carrier = fresh;
            }
            let offered = chunk.clone();
            match carrier.poll_chunk(cx, chunk) {
                Poll::Ready(Ok(())) => {
                    state.kept.push(offered.slice(..offered.len() - chunk.len()));
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(error)) => self.lose(&mut state, error)?,
                Poll::Pending => {
                    state.outgoing.wait(cx);
                    return Poll::Pending;
                }
            }
        }
    }

    pub(crate) fn poll_flush(
        self: &Arc<Self>,
        carrier: &mut SendCarrier,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), StreamError>> {
        let mut state = self.lock();
        loop {
            if let Some(fresh) = ready!(state.outgoing.settle(cx))? {
                *carrier = fresh;
            }
            match carrier.poll_flush(cx) {
                Poll::Ready(Err(error)) => self.lose(&mut state, error)?,
                done => return done,
            }
        }
    }

    pub(crate) fn poll_finish(
        self: &Arc<Self>,
        carrier: &mut SendCarrier,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), StreamError>> {
        let mut state = self.lock();
        loop {
            if let Some(fresh) = ready!(state.outgoing.settle(cx))? {
                *carrier = fresh;
                if state.finished {
                    // The resumption has finished it already.
                    return Poll::Ready(Ok(()));
                }
            }
            state.finished = true;
            match carrier.poll_finish(cx) {
                Poll::Ready(Err(error)) => self.lose(&mut state, error)?,
                done => return done,
            }
        }
    }

    pub(crate) fn poll_chunks(
        self: &Arc<Self>,
        carrier: &mut RecvCarrier,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<usize, StreamError>> {
        let mut state = self.lock();
        loop {
            if let Some((head, fresh)) = ready!(state.incoming.settle(cx))? {
                *carrier = fresh;
                if !head.is_empty() {
                    state.read(head.len() as u64);
                    chunks[0] = head;
                    return Poll::Ready(Ok(1));
                }
            }
            match carrier.poll_chunks(cx, chunks) {
                Poll::Ready(Ok(count)) => {
                    state.read(chunks[..count].iter().map(|chunk| chunk.len() as u64).sum());
                    return Poll::Ready(Ok(count));
                }
                Poll::Ready(Err(error)) => self.lose(&mut state, error)?,
                Poll::Pending => {
                    state.incoming.wait(cx);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Takes `error` for the loss of the tunnel, if that is what it is; otherwise returns it.
    fn lose(self: &Arc<Self>, state: &mut State, error: StreamError) -> Result<(), StreamError> {
        let code = match &error {
            StreamError::Lost(close) if close.code.is_survivable() => close.code,
            _ => return Err(error),
        };
        state.outgoing.set(Hold::Lost);
        state.incoming.set(Hold::Lost);
        state.attempt += 1;
        match &self.side {
            Side::Opener { .. } if state.reviving => {}
            Side::Opener { .. } => {
                state.reviving = true;
                tokio::spawn(revive(Arc::downgrade(self)));
            }
            Side::Acceptor => {
                tokio::spawn(expire(Arc::downgrade(self), state.attempt, awaited(code)));
            }
        }
        Ok(())
    }

    /// The tunnel of `budget` was closed for a reason that no other tunnel mends. A stream that has left it lives on.
    fn end_with(&self, budget: &Arc<Budget>, error: &StreamError) {
        let mut state = self.lock();
        if state.kept.is_charged_to(budget) {
            state.die(error.clone());
        }
    }

    fn die(&self, error: StreamError) {
        self.lock().die(error);
    }

    /// The other side has read so much.
    fn acknowledged(&self, offset: u64) {
        self.lock().kept.forget_before(offset);
    }

    /// From here on what is kept, and what is read, counts for one tunnel.
    fn count_for(&self, budget: &Arc<Budget>, unreported: &Arc<Unreported>) {
        let mut state = self.lock();
        state.kept.charge(budget);
        state.unreported = Some(unreported.clone());
    }

    /// How much was read here, if the other side does not know yet.
    fn report(&self) -> Option<u64> {
        let mut state = self.lock();
        let news = state.received > state.reported;
        state.reported = state.received;
        news.then_some(state.received)
    }

    /// Begins a resumption: nothing moves on the old tunnel from here on.
    fn begin(&self) -> (u64, u64) {
        let mut state = self.lock();
        state.outgoing.set(Hold::Lost);
        state.incoming.set(Hold::Lost);
        state.attempt += 1;
        (state.attempt, state.received)
    }

    /// Goes on over `stream`, whose other end has read `acknowledged` bytes of what we sent.
    async fn install(&self, attempt: u64, stream: Stream, acknowledged: u64) -> Result<(), Attempt> {
        let (mut send, head, recv, open) = stream.into_parts();
        let (again, finished) = {
            let mut state = self.lock();
            if state.attempt != attempt {
                return Err(Attempt::Again);
            }
            let again = state
                .kept
                .since(acknowledged)
                .ok_or(Attempt::Never("what is missing is not kept any more"))?;
            state.incoming.set(Hold::Fresh((head, recv)));
            state._open = Some(open);
            (again, state.finished)
        };
        let resend = async {
            for mut chunk in again {
                while !chunk.is_empty() {
                    std::future::poll_fn(|cx| send.poll_chunk(cx, &mut chunk)).await?;
                }
            }
            if finished {
                std::future::poll_fn(|cx| send.poll_finish(cx)).await?;
            }
            std::future::poll_fn(|cx| send.poll_flush(cx)).await
        };
        resend.await.map_err(|_: StreamError| Attempt::Again)?;
        let mut state = self.lock();
        if state.attempt != attempt {
            return Err(Attempt::Again);
        }
        state.outgoing.set(Hold::Fresh(send));
        Ok(())
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        if matches!(self.side, Side::Acceptor) {
            ACCEPTED.lock().expect("no panic while held").remove(&self.id);
        }
    }
}

impl State {
    fn read(&mut self, bytes: u64) {
        self.received += bytes;
        if let Some(unreported) = &self.unreported {
            unreported.read(bytes);
        }
    }

    fn die(&mut self, error: StreamError) {
        self.outgoing.set(Hold::Dead(error.clone()));
        self.incoming.set(Hold::Dead(error));
    }

    fn new(kept: Kept, received: u64) -> Self {
        Self {
            outgoing: Direction::carried(),
            incoming: Direction::carried(),
            kept,
            finished: false,
            received,
            reported: 0,
            unreported: None,
            attempt: 0,
            reviving: false,
            _open: None,
        }
    }
}

impl fmt::Debug for Lifeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lifeline({:?})", self.id)
    }
}
