//! The receiving side of a data connection: records read in bulk, opened where they lie.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};

use crate::network::ByteStream;
use crate::tls::record::{Kind, OVERHEAD, Opener, PAYLOAD_MAX, RecordError};

/// One read takes two bursts of the sender and one record: what is in seven records fills two packets of loopback when it is
/// written on, and what is in eight leaves 106 bytes for a third.
const READ: usize = 7 * (PAYLOAD_MAX + OVERHEAD);
/// From here on a payload is handed on as it lies in the slab; below, copying it out is cheaper than pinning the slab.
const HAND_OVER: usize = 8 * 1024;

thread_local! {
    static SLAB: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// One record, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Ready,
    Data(Bytes),
    Fin,
    Reset(u32),
    Stop { stream: u32, code: u32 },
}

/// How the direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Fin,
    Reset(u32),
}

pub(super) struct Receiving {
    opener: Opener,
    /// Read and not opened; empty, and without memory, while nothing is under way.
    rest: BytesMut,
    /// The first data of a stream, opened while it was waited for.
    pub(super) head: Bytes,
    pub(super) ended: Option<Ended>,
    /// We said that we do not read on.
    pub(super) stopped: bool,
}

impl Receiving {
    pub(super) fn new(opener: Opener) -> Self {
        Self { opener, rest: BytesMut::new(), head: Bytes::new(), ended: None, stopped: false }
    }

    /// The next stream.
    pub(super) fn begin(&mut self) {
        self.ended = None;
        self.stopped = false;
    }

    /// Opens the next record that is here whole.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, RecordError> {
        let Some((kind, mut payload)) = self.opener.open(&mut self.rest)? else { return Ok(None) };
        if self.rest.is_empty() {
            // Even an empty rest would keep the slab.
            self.rest = BytesMut::new();
        }
        let frame = match (kind, payload.len()) {
            (Kind::Data, length) if length < HAND_OVER => Frame::Data(Bytes::copy_from_slice(&payload)),
            (Kind::Data, _) => Frame::Data(payload.freeze()),
            (Kind::Fin, 0) => Frame::Fin,
            (Kind::Ready, 0) => Frame::Ready,
            (Kind::Reset, 4) => Frame::Reset(payload.get_u32()),
            (Kind::Stop, 8) => Frame::Stop { stream: payload.get_u32(), code: payload.get_u32() },
            _ => return Err(RecordError::Turn(kind)),
        };
        Ok(Some(frame))
    }

    /// Reads what is there behind what is here already; 0 at the end of the connection.
    pub(super) fn poll_fill(
        &mut self,
        socket: &dyn ByteStream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if socket.poll_readable(cx)?.is_pending() {
                self.compact();
                return Poll::Pending;
            }
            if let Some(read) = self.fill(socket)? {
                return Poll::Ready(Ok(read));
            }
        }
    }

    /// Like [`Self::poll_fill`], `None` when nothing is there.
    pub(super) fn fill(&mut self, socket: &dyn ByteStream) -> io::Result<Option<usize>> {
        SLAB.with_borrow_mut(|slab| {
            slab.clear();
            // Takes the old slab again when all chunks handed out of it are gone.
            slab.reserve(READ);
            slab.extend_from_slice(&self.rest);
            match socket.try_read(slab) {
                Ok(read) => {
                    self.rest = slab.split();
                    Ok(Some(read))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// A small rest does not keep a slab.
    fn compact(&mut self) {
        if self.rest.len() < HAND_OVER {
            self.rest = BytesMut::from(&self.rest[..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::record::Sealer;
    use proptest::prelude::*;

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Ready), Just(Kind::Data), Just(Kind::Fin), Just(Kind::Reset), Just(Kind::Stop)]
    }

    proptest! {
        /// The peer holds the keys, so it can seal what it likes.
        #[test]
        fn a_sealed_record_is_a_frame_of_its_length_or_out_of_turn(
            records in proptest::collection::vec(
                (kind(), prop_oneof![0..12_usize, HAND_OVER - 1..HAND_OVER + 2, Just(PAYLOAD_MAX)]), 0..10,
            ),
        ) {
            let (mut sealer, mut receiving) = (Sealer::new(&[7; 32]), Receiving::new(Opener::new(&[7; 32])));
            for (kind, length) in records {
                let mut wire = vec![0; length + 2 * OVERHEAD];
                let sealed = sealer.seal(kind, &vec![1; length], &mut wire);
                receiving.rest.extend_from_slice(&wire[..sealed]);
                let expected = match (kind, length) {
                    (Kind::Data, _) => Ok(Some(Frame::Data(Bytes::from(vec![1; length])))),
                    (Kind::Fin, 0) => Ok(Some(Frame::Fin)),
                    (Kind::Ready, 0) => Ok(Some(Frame::Ready)),
                    (Kind::Reset, 4) => Ok(Some(Frame::Reset(0x0101_0101))),
                    (Kind::Stop, 8) => Ok(Some(Frame::Stop { stream: 0x0101_0101, code: 0x0101_0101 })),
                    _ => Err(RecordError::Turn(kind)),
                };
                prop_assert_eq!(receiving.next(), expected);
            }
        }
    }
}
