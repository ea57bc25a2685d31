//! The receiving half of a link.

use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::receiving::{Ended, Frame, Receiving};
use super::{Link, lost};
use crate::error::StreamError;
use crate::tls::record::Kind;

impl Link {
    pub(in crate::tls) fn poll_chunks(
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
    pub(in crate::tls) fn stop(&self, code: u32) {
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
