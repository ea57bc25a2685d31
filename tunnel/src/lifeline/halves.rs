//! What the two halves of a stream do through its lifeline: the carrier's work while there is one, and waiting while there
//! is none.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::direction::Hold;
use super::resume::{awaited, expire, revive};
use super::{Lifeline, Side, State};
use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::StreamError;

impl Lifeline {
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
                    state.kept.push(offered.slice(..offered.len() - chunk.len()), carrier.worth_keeping());
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
}
