//! One data connection: it carries one stream at a time and is used again after both directions ended.
//!
//! Both sides count the streams, so that a stop which crosses the end of its stream is told from one for the next.

mod read;
mod receiving;
mod sending;
mod settle;
mod write;

use std::io;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, ready};

use self::receiving::{Frame, Receiving};
use self::sending::Sending;
use crate::error::{Close, CloseCode, StreamError};
use crate::network::ByteStream;
use crate::shard::Shard;
use crate::tls::keys::Secret;
use crate::tls::links::{self, Stock};
use crate::tls::record::{Kind, Opener, Sealer};

/// Whoever keeps a link while it is idle.
pub(crate) trait Keeper: Send + Sync {
    /// Both directions ended in step: it may carry the next stream.
    fn idle(&self, link: Arc<Link>);
    /// The link with this number is closed.
    fn gone(&self, id: u64);
}

/// Bytes of all data connections of one tunnel, records and all.
#[derive(Debug, Default)]
pub(in crate::tls) struct Traffic {
    pub(in crate::tls) sent: AtomicU64,
    pub(in crate::tls) received: AtomicU64,
}

/// What a link belongs to.
#[derive(Clone)]
pub(in crate::tls) struct Owner {
    pub(in crate::tls) keeper: Weak<dyn Keeper>,
    pub(in crate::tls) traffic: Arc<Traffic>,
}

pub(in crate::tls) struct Link {
    id: u64,
    home: Shard,
    socket: Box<dyn ByteStream>,
    sending: Mutex<Sending>,
    receiving: Mutex<Receiving>,
    /// Number of the current stream, or of the last one.
    stream: AtomicU32,
    halves: AtomicU8,
    owner: Owner,
}

impl Link {
    /// `socket` is registered with `home`.
    pub(in crate::tls) fn new(
        home: Shard,
        socket: Box<dyn ByteStream>,
        (send, receive): (&Secret, &Secret),
        stock: &Arc<impl Stock + 'static>,
    ) -> Arc<Self> {
        let owner = links::owner(stock);
        Arc::new(Self {
            id: stock.links().next_id(),
            home,
            socket,
            sending: Mutex::new(Sending::new(Sealer::new(send))),
            receiving: Mutex::new(Receiving::new(Opener::new(receive))),
            stream: AtomicU32::new(0),
            halves: AtomicU8::new(0),
            owner,
        })
    }

    pub(in crate::tls) fn id(&self) -> u64 {
        self.id
    }

    pub(in crate::tls) fn home(&self) -> &Shard {
        &self.home
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().expect("no panic while held")
    }

    fn receiving(&self) -> MutexGuard<'_, Receiving> {
        self.receiving.lock().expect("no panic while held")
    }

    /// Breaks the connection; whoever waits on it wakes up.
    pub(in crate::tls) fn kill(&self) {
        self.socket.break_off();
    }

    /// Begins the next stream; the two halves must exist from now on.
    pub(in crate::tls) fn begin(&self) {
        self.sending().begin();
        self.receiving().begin();
        self.stream.fetch_add(1, Ordering::Relaxed);
        self.halves.store(2, Ordering::Relaxed);
    }

    /// Dialler: says that the handshake is over.
    pub(in crate::tls) async fn say_ready(&self) -> io::Result<()> {
        self.sending().small(Kind::Ready, &[]);
        std::future::poll_fn(|cx| self.sending().poll_push(&*self.socket, cx)).await?;
        Ok(())
    }

    /// Acceptor: waits for [`Self::say_ready`].
    pub(in crate::tls) async fn hear_ready(&self) -> Result<(), StreamError> {
        match std::future::poll_fn(|cx| self.poll_frame(&mut self.receiving(), cx)).await? {
            Frame::Ready => Ok(()),
            other => Err(lost(&format!("{other:?} came before ready"))),
        }
    }

    /// Waits, idle, for the first data of the next stream and leaves them to be read.
    pub(in crate::tls) async fn first_data(&self) -> Result<(), StreamError> {
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
    pub(in crate::tls) fn stands(&self) -> bool {
        let mut receiving = self.receiving();
        loop {
            match receiving.next() {
                Ok(Some(Frame::Stop { .. })) => {}
                Ok(Some(_)) | Err(_) => return false,
                Ok(None) => match receiving.fill(&*self.socket) {
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
            let read = ready!(receiving.poll_fill(&*self.socket, cx)).map_err(|error| lost(&error))?;
            if read == 0 {
                return Poll::Ready(Err(lost(&"the data connection was closed")));
            }
            self.owner.traffic.received.fetch_add(read as u64, Ordering::Relaxed);
        }
    }
}

fn lost(error: &dyn std::fmt::Display) -> StreamError {
    StreamError::Lost(Close::local(CloseCode::Lost, error.to_string()))
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
