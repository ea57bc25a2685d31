//! One data connection: it carries one stream at a time and is used again after both directions ended.
//!
//! Both sides count the streams, so that a stop which crosses the end of its stream is told from one for the next.

use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::receiving::{Ended, Frame, Receiving};
use super::record::{Kind, Opener, Sealer, Secret};
use super::sending::Sending;
use crate::error::StreamError;
use crate::shard::Shard;

/// After both halves are dropped, the other side has this long to end its direction; then the connection is closed.
const SETTLE: Duration = Duration::from_secs(2);
/// And so many bytes of it are read and thrown away.
const SETTLE_BYTES: usize = 1024 * 1024;

/// Whoever keeps a link while it is idle.
pub(super) trait Keeper: Send + Sync {
    /// Both directions ended in step: it may carry the next stream.
    fn idle(&self, link: Arc<Link>);
    /// The link with this number is closed.
    fn gone(&self, id: u64);
}

/// Bytes of all data connections of one tunnel, records and all.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
}

/// What a link belongs to.
#[derive(Clone)]
pub(super) struct Owner {
    pub(super) keeper: Weak<dyn Keeper>,
    pub(super) traffic: Arc<Traffic>,
}

pub(super) struct Link {
    id: u64,
    home: Shard,
    socket: TcpStream,
    sending: Mutex<Sending>,
    receiving: Mutex<Receiving>,
    /// Number of the current stream, or of the last one.
    stream: AtomicU32,
    halves: AtomicU8,
    owner: Owner,
}

impl Link {
    /// `socket` is registered with `home`.
    pub(super) fn new(
        id: u64,
        home: Shard,
        socket: TcpStream,
        (send, receive): (&Secret, &Secret),
        owner: Owner,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            home,
            socket,
            sending: Mutex::new(Sending::new(Sealer::new(send))),
            receiving: Mutex::new(Receiving::new(Opener::new(receive))),
            stream: AtomicU32::new(0),
            halves: AtomicU8::new(0),
            owner,
        })
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn home(&self) -> &Shard {
        &self.home
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().expect("no panic while held")
    }

    fn receiving(&self) -> MutexGuard<'_, Receiving> {
        self.receiving.lock().expect("no panic while held")
    }

    /// Breaks the connection; whoever waits on it wakes up.
    pub(super) fn kill(&self) {
        // Fails when the other side broke it before.
        let _broken = socket2::SockRef::from(&self.socket).shutdown(Shutdown::Both).is_err();
    }

    /// Begins the next stream; the two halves must exist from now on.
    pub(super) fn begin(&self) {
        self.sending().begin();
        self.receiving().begin();
        self.stream.fetch_add(1, Ordering::Relaxed);
        self.halves.store(2, Ordering::Relaxed);
    }

    /// Dialler: says that the handshake is over.
    pub(super) async fn say_ready(&self) -> io::Result<()> {
        self.sending().small(Kind::Ready, &[]);
        std::future::poll_fn(|cx| self.sending().poll_push(&self.socket, cx)).await?;
        Ok(())
    }

    /// Acceptor: waits for [`Self::say_ready`].
    pub(super) async fn hear_ready(&self) -> Result<(), StreamError> {
        match std::future::poll_fn(|cx| self.poll_frame(&mut self.receiving(), cx)).await? {
            Frame::Ready => Ok(()),
            other => Err(lost(&format!("{other:?} came before ready"))),
        }
    }

    /// Waits, idle, for the first data of the next stream and leaves them to be read.
    pub(super) async fn first_data(&self) -> Result<(), StreamError> {
        std::future::poll_fn(|cx| {
            let mut receiving = self.receiving();
            loop {
                match ready!(self.poll_frame(&mut receiving, cx))? {
                    Frame::Data(data) => receiving.head = data,
                    // It crossed the end of the last stream.
                    Frame::Stop { stream, .. } if stream == self.stream.load(Ordering::Relaxed) => continue,
                    other => return Poll::Ready(Err(lost(&format!("{other:?} came while idle")))),
                }
                return Poll::Ready(Ok(()));
            }
        })
        .await
    }

    /// Whether an idle link, on which this side begins streams, still stands.
    pub(super) fn stands(&self) -> bool {
        let mut receiving = self.receiving();
        loop {
            match receiving.next() {
                Ok(Some(Frame::Stop { .. })) => {}
                Ok(Some(_)) | Err(_) => return false,
                Ok(None) => match receiving.fill(&self.socket) {
                    Ok(None) => return true,
                    Ok(Some(0)) | Err(_) => return false,
                    Ok(Some(_)) => {}
                },
            }
        }
    }

    fn poll_frame(
        &self,
        receiving: &mut Receiving,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Frame, StreamError>> {
        loop {
            if let Some(frame) = receiving.next().map_err(|error| lost(&error))? {
                return Poll::Ready(Ok(frame));
            }
            let read = ready!(receiving.poll_fill(&self.socket, cx)).map_err(|error| lost(&error))?;
            if read == 0 {
                return Poll::Ready(Err(lost(&"the data connection was closed")));
            }
            self.owner.traffic.received.fetch_add(read as u64, Ordering::Relaxed);
        }
    }
}

fn lost(error: &dyn std::fmt::Display) -> StreamError {
    StreamError::Lost(error.to_string())
}

/// The sending half.
impl Link {
    /// Takes what it can off the front of `data`. What the kernel does not take at once waits for [`Self::poll_flush`].
    pub(super) fn poll_data(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, StreamError>> {
        let mut sending = self.sending();
        ready!(self.poll_push(&mut sending, cx))?;
        if sending.ended {
            return Poll::Ready(Err(lost(&"the stream was ended before")));
        }
        let taken = sending.data(data);
        self.push(&mut sending)?;
        Poll::Ready(Ok(taken))
    }

    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.poll_push(&mut self.sending(), cx)
    }

    pub(super) fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        let mut sending = self.sending();
        if !sending.ended {
            if let Some(code) = sending.stopped {
                return Poll::Ready(Err(StreamError::Reset(code)));
            }
            sending.small(Kind::Fin, &[]);
            sending.ended = true;
        }
        self.poll_push(&mut sending, cx)
    }

    fn poll_push(&self, sending: &mut Sending, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        if let Some(code) = sending.stopped
            && !sending.ended
        {
            return Poll::Ready(Err(StreamError::Reset(code)));
        }
        match sending.poll_push(&self.socket, cx) {
            Poll::Ready(Ok(pushed)) => Poll::Ready(Ok(self.sent(pushed))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.why_broken(sending, &error))),
            Poll::Pending => {
                sending.writer = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn push(&self, sending: &mut Sending) -> Result<(), StreamError> {
        match sending.push(&self.socket) {
            Ok((_, pushed)) => Ok(self.sent(pushed)),
            Err(error) => Err(self.why_broken(sending, &error)),
        }
    }

    fn sent(&self, bytes: usize) {
        self.owner.traffic.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The other side may have said why before it closed.
    fn why_broken(&self, sending: &mut Sending, error: &io::Error) -> StreamError {
        let Ok(mut receiving) = self.receiving.try_lock() else { return lost(error) };
        let current = self.stream.load(Ordering::Relaxed);
        for _ in 0..SETTLE_BYTES / super::record::PAYLOAD_MAX {
            match receiving.next() {
                Ok(Some(Frame::Stop { stream, code })) if stream == current => {
                    sending.stopped = Some(code);
                    return StreamError::Reset(code);
                }
                Ok(Some(_)) => {}
                Ok(None) if matches!(receiving.fill(&self.socket), Ok(Some(1..))) => {}
                _ => break,
            }
        }
        lost(error)
    }

    /// Ends the sending direction when nobody did: in order, or as the other side asked.
    pub(super) fn end(&self) {
        let mut sending = self.sending();
        if sending.ended {
            return;
        }
        match sending.stopped {
            Some(code) => sending.small(Kind::Reset, &code.to_be_bytes()),
            None => sending.small(Kind::Fin, &[]),
        }
        sending.ended = true;
        // A broken connection is noticed by whoever settles it.
        let _broken = self.push(&mut sending).is_err();
    }

    /// Ends the sending direction at once.
    pub(super) fn reset(&self, code: u32) {
        let mut sending = self.sending();
        if !sending.ended {
            sending.small(Kind::Reset, &code.to_be_bytes());
            sending.ended = true;
            // A broken connection is noticed by whoever settles it.
            let _broken = self.push(&mut sending).is_err();
        }
    }
}

/// The receiving half.
impl Link {
    pub(super) fn poll_chunks(
        &self,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<usize, StreamError>> {
        let mut receiving = self.receiving();
        let mut count = 0;
        if !receiving.head.is_empty() {
            chunks[0] = std::mem::take(&mut receiving.head);
            count = 1;
        }
        while count < chunks.len() && receiving.ended.is_none() {
            let frame = if count == 0 {
                ready!(self.poll_frame(&mut receiving, cx))?
            } else {
                match receiving.next().map_err(|error| lost(&error))? {
                    Some(frame) => frame,
                    None => break,
                }
            };
            if let Some(data) = self.take(&mut receiving, frame)? {
                chunks[count] = data;
                count += 1;
            }
        }
        match receiving.ended {
            Some(Ended::Reset(code)) if count == 0 => Poll::Ready(Err(StreamError::Reset(code))),
            _ => Poll::Ready(Ok(count)),
        }
    }

    fn take(&self, receiving: &mut Receiving, frame: Frame) -> Result<Option<Bytes>, StreamError> {
        match frame {
            Frame::Data(data) => return Ok((!receiving.stopped && !data.is_empty()).then_some(data)),
            Frame::Fin => receiving.ended = Some(Ended::Fin),
            Frame::Reset(code) => receiving.ended = Some(Ended::Reset(code)),
            Frame::Stop { stream, code } => {
                if stream == self.stream.load(Ordering::Relaxed) {
                    let mut sending = self.sending();
                    sending.stopped = Some(code);
                    sending.writer.take().into_iter().for_each(|waker| waker.wake());
                }
            }
            Frame::Ready => return Err(lost(&"a second handshake")),
        }
        Ok(None)
    }

    /// Tells the other side that nothing more is read.
    pub(super) fn stop(&self, code: u32) {
        {
            let mut receiving = self.receiving();
            if receiving.ended.is_some() || receiving.stopped {
                return;
            }
            receiving.stopped = true;
        }
        let mut payload = [0; 8];
        payload[..4].copy_from_slice(&self.stream.load(Ordering::Relaxed).to_be_bytes());
        payload[4..].copy_from_slice(&code.to_be_bytes());
        let mut sending = self.sending();
        sending.small(Kind::Stop, &payload);
        // A broken connection is noticed by whoever settles it.
        let _broken = self.push(&mut sending).is_err();
    }
}

/// The end of a stream.
impl Link {
    /// One half is gone; the last one brings the link back to its keeper.
    pub(super) fn drop_half(self: &Arc<Self>) {
        if self.halves.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        if self.is_settled() {
            return self.keep();
        }
        let link = self.clone();
        self.home.spawn(async move {
            if let Ok(true) = tokio::time::timeout(SETTLE, link.settle()).await {
                link.keep();
            }
        });
    }

    fn is_settled(&self) -> bool {
        // One lock after the other: a reader takes them in the other order.
        let sent = self.sending().is_done();
        sent && self.receiving().ended.is_some()
    }

    fn keep(self: &Arc<Self>) {
        if let Some(keeper) = self.owner.keeper.upgrade() {
            keeper.idle(self.clone());
        }
    }

    /// Sends what waits and throws away what still comes, until both directions ended.
    async fn settle(&self) -> bool {
        let flushed = std::future::poll_fn(|cx| self.sending().poll_push(&self.socket, cx)).await;
        let mut left = SETTLE_BYTES;
        while flushed.is_ok() && self.receiving().ended.is_none() {
            let mut chunk = [Bytes::new()];
            match std::future::poll_fn(|cx| self.poll_chunks(cx, &mut chunk)).await {
                Ok(_) if left < chunk[0].len() => return false,
                Ok(_) => left -= chunk[0].len(),
                Err(StreamError::Reset(_)) => {}
                Err(_) => return false,
            }
        }
        flushed.is_ok()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(keeper) = self.owner.keeper.upgrade() {
            keeper.gone(self.id);
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({} on shard {})", self.id, self.home.index())
    }
}
