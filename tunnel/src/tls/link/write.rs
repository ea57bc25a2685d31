//! The sending half of a link.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use super::receiving::Frame;
use super::sending::Sending;
use super::{Link, lost};
use crate::error::StreamError;
use crate::tls::record::Kind;

/// Records looked through for a reason when the connection broke: a mebibyte.
const LAST_WORDS: usize = 64;

impl Link {
    /// Takes what it can off the front of `data`. What the kernel does not take at once waits for [`Self::poll_flush`].
    pub(in crate::tls) fn poll_data(
        &self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<Result<usize, StreamError>> {
        let mut sending = self.sending();
        ready!(self.poll_push(&mut sending, cx))?;
        if sending.ended {
            return Poll::Ready(Err(lost(&"the stream was ended before")));
        }
        let taken = sending.data(data);
        self.push(&mut sending)?;
        Poll::Ready(Ok(taken))
    }

    pub(in crate::tls) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.poll_push(&mut self.sending(), cx)
    }

    pub(in crate::tls) fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
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
        match sending.poll_push(&*self.socket, cx) {
            Poll::Ready(Ok(pushed)) => {
                self.sent(pushed);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.why_broken(sending, &error))),
            Poll::Pending => {
                sending.writer = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn push(&self, sending: &mut Sending) -> Result<(), StreamError> {
        match sending.push(&*self.socket) {
            Ok((_, pushed)) => {
                self.sent(pushed);
                Ok(())
            }
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
        for _ in 0..LAST_WORDS {
            match receiving.next() {
                Ok(Some(Frame::Stop { stream, code })) if stream == current => {
                    sending.stopped = Some(code);
                    return StreamError::Reset(code);
                }
                Ok(Some(_)) => {}
                Ok(None) if matches!(receiving.fill(&*self.socket), Ok(Some(1..))) => {}
                _ => break,
            }
        }
        lost(error)
    }

    /// Ends the sending direction when nobody did: in order, or as the other side asked.
    pub(in crate::tls) fn end(&self) {
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
    pub(in crate::tls) fn reset(&self, code: u32) {
        let mut sending = self.sending();
        if !sending.ended {
            sending.small(Kind::Reset, &code.to_be_bytes());
            sending.ended = true;
            // A broken connection is noticed by whoever settles it.
            let _broken = self.push(&mut sending).is_err();
        }
    }
}
