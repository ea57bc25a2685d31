//! The sending side of a data connection: sealed records that wait for the socket.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, Waker, ready};

use crate::network::ByteStream;
use crate::tls::record::{Kind, OVERHEAD, PAYLOAD_MAX, Sealer};

/// Sealed and written at once: three records. A packet on loopback carries 65,483 bytes; four records are 65,624, and what
/// did not fit went in a packet of its own, each with a wake-up: twice the processor's time.
pub(super) const BURST: usize = 3 * PAYLOAD_MAX;
/// Room behind a burst, for the end, a stop and a reset, each with a rekeying record before it.
const SMALL: usize = 2 * OVERHEAD + 8;
const BUFFER: usize = BURST + 8 * OVERHEAD + 6 * SMALL;
/// Buffers that a thread keeps for the next burst.
const SPARE: usize = 4;

thread_local! {
    static SPARES: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Sealed bytes, in a buffer borrowed from the thread.
struct Sealed {
    buffer: Box<[u8]>,
    from: usize,
    to: usize,
}

impl Sealed {
    fn new() -> Self {
        let spare = SPARES.with_borrow_mut(Vec::pop);
        Self { buffer: spare.unwrap_or_else(|| vec![0; BUFFER].into()), from: 0, to: 0 }
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        // A thread that ends has no use for it.
        let _ending = SPARES.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < SPARE {
                spares.push(buffer);
            }
        });
    }
}

pub(super) struct Sending {
    sealer: Sealer,
    waiting: Option<Sealed>,
    /// The direction ended, in order or not.
    pub(super) ended: bool,
    /// The other side does not read this stream any more, and why.
    pub(super) stopped: Option<u32>,
    /// Whoever waits for the socket and must hear of a stop.
    pub(super) writer: Option<Waker>,
}

impl Sending {
    pub(super) fn new(sealer: Sealer) -> Self {
        Self { sealer, waiting: None, ended: true, stopped: None, writer: None }
    }

    /// The next stream.
    pub(super) fn begin(&mut self) {
        self.ended = false;
        self.stopped = None;
    }

    /// The direction ended, and everything is with the kernel.
    pub(super) fn is_done(&self) -> bool {
        self.ended && self.waiting.is_none()
    }

    /// Seals up to [`BURST`] bytes of `data` as data; tells how many. Nothing may be waiting.
    pub(super) fn data(&mut self, data: &[u8]) -> usize {
        let taken = data.len().min(BURST);
        data[..taken].chunks(PAYLOAD_MAX).for_each(|part| self.seal(Kind::Data, part));
        taken
    }

    /// Seals a record that fits behind a burst; a stream has at most three such.
    pub(super) fn small(&mut self, kind: Kind, payload: &[u8]) {
        debug_assert!(payload.len() <= 8, "small");
        self.seal(kind, payload);
    }

    fn seal(&mut self, kind: Kind, payload: &[u8]) {
        let sealed = self.waiting.get_or_insert_with(Sealed::new);
        sealed.to += self.sealer.seal(kind, payload, &mut sealed.buffer[sealed.to..]);
    }

    /// Gives the kernel what it takes; tells how many bytes. `false`: some still wait.
    pub(super) fn push(&mut self, socket: &dyn ByteStream) -> io::Result<(bool, usize)> {
        let mut pushed = 0;
        while let Some(sealed) = &mut self.waiting {
            match socket.try_write(&sealed.buffer[sealed.from..sealed.to]) {
                Ok(written) => {
                    pushed += written;
                    sealed.from += written;
                    if sealed.from == sealed.to {
                        self.waiting = None;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok((false, pushed)),
                Err(error) => return Err(error),
            }
        }
        Ok((true, pushed))
    }

    /// Like [`Self::push`], until nothing waits; tells how many bytes the last turn took.
    pub(super) fn poll_push(
        &mut self,
        socket: &dyn ByteStream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut pushed = 0;
        loop {
            let (all, now) = self.push(socket)?;
            pushed += now;
            if all {
                return Poll::Ready(Ok(pushed));
            }
            ready!(socket.poll_writable(cx))?;
        }
    }
}
