//! The sending side of a direction that may become wide.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use quinn::{Connection, SendStream, StreamId};

use super::word::Word;
use super::{LANES, Lanes, turn};
use crate::error::{Close, CloseCode, StreamError};

/// What the reader asked for; nothing yet: `from` is far away.
#[derive(Debug)]
pub(super) struct Asked {
    from: AtomicU64,
    lanes: Mutex<Opened>,
}

#[derive(Debug)]
enum Opened {
    Opening(Option<Waker>),
    Open(Vec<SendStream>),
    Failed,
}

/// Lanes that are being opened; dropped before it is kept, it wakes the writer with an error.
pub(super) struct Promise(Arc<Asked>);

impl Asked {
    /// The first one to ask is promised lanes.
    pub(super) fn ask(self: Arc<Self>, from: u64) -> Option<Promise> {
        let asked = self.from.compare_exchange(u64::MAX, from, Ordering::Relaxed, Ordering::Relaxed);
        asked.is_ok().then(|| Promise(self))
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.lanes.lock().expect("no panic while held")
    }

    fn set(&self, opened: Opened) {
        let before = std::mem::replace(&mut *self.opened(), opened);
        if let Opened::Opening(Some(waker)) = before {
            waker.wake();
        }
    }

    fn poll_lanes(&self, cx: &Context<'_>) -> Poll<Result<Vec<SendStream>, StreamError>> {
        let mut opened = self.opened();
        match &mut *opened {
            Opened::Opening(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Opened::Open(lanes) => Poll::Ready(Ok(std::mem::take(lanes))),
            Opened::Failed => {
                let close = Close::local(CloseCode::Lost, "the connection was lost while lanes were opened");
                Poll::Ready(Err(StreamError::Lost(close)))
            }
        }
    }
}

impl Promise {
    pub(super) async fn keep(self, connection: Connection, stream: StreamId) {
        let mut lanes = Vec::with_capacity(LANES - 1);
        for index in 1..LANES {
            let Ok(mut lane) = connection.open_uni().await else { return };
            if lane.write_all(&Word::Lane { stream, index }.encode()).await.is_err() {
                return;
            }
            lanes.push(lane);
        }
        self.0.set(Opened::Open(lanes));
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if matches!(&*self.0.opened(), Opened::Opening(_)) {
            self.0.set(Opened::Failed);
        }
    }
}

/// Of a stream that has sent enough to be asked for lanes.
#[derive(Debug)]
pub(in crate::quic) struct WideSend {
    registry: Arc<Lanes>,
    id: StreamId,
    asked: Arc<Asked>,
    lanes: Vec<SendStream>,
}

impl WideSend {
    /// From now on the reader of `id` can ask.
    pub(in crate::quic) fn listen(registry: &Arc<Lanes>, id: StreamId) -> Box<Self> {
        let asked = Arc::new(Asked { from: u64::MAX.into(), lanes: Mutex::new(Opened::Opening(None)) });
        registry.asked().insert(id, asked.clone());
        Box::new(Self { registry: registry.clone(), id, asked, lanes: Vec::new() })
    }

    /// Where the byte behind `written` goes, and how many after it.
    pub(in crate::quic) fn poll_place<'a>(
        &'a mut self,
        cx: &Context<'_>,
        main: &'a mut SendStream,
        written: u64,
    ) -> Poll<Result<(&'a mut SendStream, usize), StreamError>> {
        let from = self.asked.from.load(Ordering::Relaxed);
        if written < from {
            return Poll::Ready(Ok((main, usize::try_from(from - written).unwrap_or(usize::MAX))));
        }
        if self.lanes.is_empty() {
            if written > from {
                let close =
                    Close::local(CloseCode::Protocol, "lanes were asked for from a byte that had left");
                return Poll::Ready(Err(StreamError::Lost(close)));
            }
            self.lanes = ready!(self.asked.poll_lanes(cx))?;
        }
        let (lane, room) = turn(written - from);
        Poll::Ready(Ok((if lane == 0 { main } else { &mut self.lanes[lane - 1] }, room)))
    }

    pub(in crate::quic) fn is_wide(&self) -> bool {
        !self.lanes.is_empty()
    }

    /// All lanes that are in use.
    pub(in crate::quic) fn lanes(&mut self) -> &mut [SendStream] {
        &mut self.lanes
    }
}

impl Drop for WideSend {
    fn drop(&mut self) {
        self.registry.asked().remove(&self.id);
    }
}
