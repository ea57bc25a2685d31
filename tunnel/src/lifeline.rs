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
//! ([`Life::Resumed`]); the acceptor answers with what it has.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::time::Instant;

use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::StreamError;
use crate::limits;
use crate::stream::{OpenStream, Stream};
use crate::tunnel::Tunnel;
use crate::wire::preamble::{Answer, Life, Preamble, Status, StreamId};

/// Where the opener finds a good tunnel to the same process of the same peer; asked again until there is one.
pub type Ways = Arc<dyn Fn() -> Option<Tunnel> + Send + Sync>;

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
    /// Counts the losses and resumptions, so that an older one cannot interfere.
    attempt: u64,
    /// Opener: a task looks for another tunnel.
    reviving: bool,
    /// Counts the stream on the tunnel that carries it since the last resumption.
    _open: Option<OpenStream>,
}

/// What was sent and may have to be sent again.
#[derive(Default)]
struct Kept {
    chunks: VecDeque<Bytes>,
    from: u64,
    to: u64,
}

impl Kept {
    fn push(&mut self, chunk: Bytes) {
        self.to += chunk.len() as u64;
        self.chunks.push_back(chunk);
        // Over QUIC the other side's window bounds what it has not read, so nothing is forgotten that it may need.
        self.forget_before(self.to.saturating_sub(limits::KEPT));
    }

    fn forget_before(&mut self, offset: u64) {
        while let Some(front) = self.chunks.front()
            && self.from + front.len() as u64 <= offset
        {
            self.from += front.len() as u64;
            self.chunks.pop_front();
        }
    }

    /// Everything from `offset` on; `None` if that is not kept, or was never sent.
    fn since(&self, offset: u64) -> Option<Vec<Bytes>> {
        let mut skip = offset.checked_sub(self.from)?;
        if offset > self.to {
            return None;
        }
        let mut rest = Vec::with_capacity(self.chunks.len());
        for chunk in &self.chunks {
            let length = chunk.len() as u64;
            if skip < length {
                rest.push(chunk.slice(usize::try_from(skip).expect("within a chunk")..));
            }
            skip = skip.saturating_sub(length);
        }
        Some(rest)
    }
}

/// One direction: whose carrier is in use, lost, or replaced.
struct Direction<C> {
    hold: Hold<C>,
    waker: Option<Waker>,
}

enum Hold<C> {
    Carried,
    Lost,
    Fresh(C),
    Dead(StreamError),
}

impl<C> Direction<C> {
    fn carried() -> Self {
        Self { hold: Hold::Carried, waker: None }
    }

    /// Waits while lost; gives the new carrier once after a resumption.
    fn settle(&mut self, cx: &Context<'_>) -> Poll<Result<Option<C>, StreamError>> {
        match std::mem::replace(&mut self.hold, Hold::Carried) {
            Hold::Carried => Poll::Ready(Ok(None)),
            Hold::Fresh(carrier) => Poll::Ready(Ok(Some(carrier))),
            Hold::Lost => {
                self.hold = Hold::Lost;
                self.wait(cx);
                Poll::Pending
            }
            Hold::Dead(error) => {
                self.hold = Hold::Dead(error.clone());
                Poll::Ready(Err(error))
            }
        }
    }

    /// Remembers whom to wake when the carrier changes.
    fn wait(&mut self, cx: &Context<'_>) {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }

    fn set(&mut self, hold: Hold<C>) {
        self.hold = hold;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
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

    pub(crate) fn id(&self) -> StreamId {
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
                    state.received += head.len() as u64;
                    chunks[0] = head;
                    return Poll::Ready(Ok(1));
                }
            }
            match carrier.poll_chunks(cx, chunks) {
                Poll::Ready(Ok(count)) => {
                    state.received += chunks[..count].iter().map(|chunk| chunk.len() as u64).sum::<u64>();
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
        match &error {
            StreamError::Lost(close) if close.code.is_survivable() => {}
            _ => return Err(error),
        }
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
                tokio::spawn(expire(Arc::downgrade(self), state.attempt));
            }
        }
        Ok(())
    }

    /// The tunnel was closed for a reason that no other tunnel mends.
    pub(crate) fn die(&self, error: StreamError) {
        let mut state = self.lock();
        state.outgoing.set(Hold::Dead(error.clone()));
        state.incoming.set(Hold::Dead(error));
    }

    /// The other side has read so much.
    pub(crate) fn acknowledged(&self, offset: u64) {
        self.lock().kept.forget_before(offset);
    }

    /// How much was read here, if the other side does not know yet.
    pub(crate) fn report(&self) -> Option<u64> {
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
    fn new(kept: Kept, received: u64) -> Self {
        Self {
            outgoing: Direction::carried(),
            incoming: Direction::carried(),
            kept,
            finished: false,
            received,
            reported: 0,
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

/// Opener: looks for another tunnel and resumes on it, until it works, cannot work, or takes too long.
async fn revive(line: Weak<Lifeline>) {
    let deadline = Instant::now() + limits::RESUME_WITHIN;
    let mut failed = "no other tunnel was found in time";
    while Instant::now() < deadline {
        let Some(line) = line.upgrade() else { return };
        let Side::Opener { preamble, ways } = &line.side else { return };
        if let Some(tunnel) = ways() {
            match tokio::time::timeout_at(deadline, resume(&line, preamble, &tunnel)).await {
                Ok(Ok(())) => return line.lock().reviving = false,
                Ok(Err(Attempt::Again)) | Err(_) => {}
                Ok(Err(Attempt::Never(why))) => {
                    failed = why;
                    break;
                }
            }
        }
        tokio::time::sleep(limits::RESUME_PAUSE).await;
    }
    if let Some(line) = line.upgrade() {
        line.die(StreamError::NotResumed(failed));
    }
}

async fn resume(line: &Arc<Lifeline>, preamble: &Preamble, tunnel: &Tunnel) -> Result<(), Attempt> {
    let (attempt, received) = line.begin();
    let preamble = Preamble { life: Life::Resumed { id: line.id, received }, ..preamble.clone() };
    let mut stream = tunnel.open(&preamble, Bytes::new()).await.map_err(|_| Attempt::Again)?;
    match stream.answered().await {
        Ok(()) => {}
        Err(StreamError::Refused { .. }) => {
            return Err(Attempt::Never("the other side does not know the stream"));
        }
        Err(_) => return Err(Attempt::Again),
    }
    let acknowledged = read_offset(&mut stream).await.map_err(|_| Attempt::Again)?;
    tunnel.adopt(line);
    tracing::info!(trace = %preamble.trace, transport = %tunnel.transport(), "a stream goes on over another tunnel");
    line.install(attempt, stream, acknowledged).await
}

async fn read_offset(stream: &mut Stream) -> Result<u64, StreamError> {
    let mut bytes = BytesMut::new();
    while bytes.len() < 8 {
        bytes.extend_from_slice(&stream.recv.read().await?.ok_or(StreamError::NoAnswer)?);
    }
    let offset = bytes.get_u64();
    stream.recv.put_back(bytes.freeze());
    Ok(offset)
}

/// Acceptor: the other side came back on `stream`, having read `acknowledged` bytes.
pub(crate) async fn accept_resumed(id: StreamId, acknowledged: u64, mut stream: Stream, tunnel: &Tunnel) {
    let line = ACCEPTED.lock().expect("no panic while held").get(&id).and_then(Weak::upgrade);
    let Some(line) = line else {
        // Who asks may be gone already.
        let _gone = stream.answer(&Answer::refused(Status::NoSuchStream, "this stream has ended here")).await;
        return;
    };
    let (attempt, received) = line.begin();
    let mut answer = BytesMut::from(&Answer::ok().encode()[..]);
    answer.put_u64(received);
    if stream.send.write(answer.freeze()).await.is_err() {
        return;
    }
    tunnel.adopt(&line);
    match line.install(attempt, stream, acknowledged).await {
        Ok(()) => {}
        Err(Attempt::Never(why)) => line.die(StreamError::NotResumed(why)),
        Err(Attempt::Again) => expire(Arc::downgrade(&line), attempt).await,
    }
}

/// Acceptor: gives up if the opener does not come back.
async fn expire(line: Weak<Lifeline>, attempt: u64) {
    tokio::time::sleep(limits::RESUME_WITHIN + Duration::from_secs(5)).await;
    if let Some(line) = line.upgrade()
        && line.lock().attempt == attempt
    {
        line.die(StreamError::NotResumed("the other side did not come back in time"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_can_be_sent_again_from_any_byte() {
        let mut kept = Kept::default();
        for chunk in ["abc", "", "defg", "h"] {
            kept.push(Bytes::from_static(chunk.as_bytes()));
        }
        for offset in 0..=8_u64 {
            let rest = kept.since(offset).expect("kept").concat();
            assert_eq!(rest, b"abcdefgh"[usize::try_from(offset).expect("small")..]);
        }
        assert!(kept.since(9).is_none(), "never sent");
        kept.forget_before(5);
        assert!(kept.since(2).is_none(), "forgotten");
        assert_eq!(kept.since(5).expect("kept").concat(), b"fgh");
    }

    #[test]
    fn no_more_is_kept_than_the_limit_and_one_chunk() {
        let mut kept = Kept::default();
        let chunk = Bytes::from(vec![0; 64 * 1024]);
        for _ in 0..1000 {
            kept.push(chunk.clone());
        }
        assert!(kept.to - kept.from < limits::KEPT + chunk.len() as u64);
        assert!(kept.since(kept.to - limits::KEPT).is_some());
    }
}
