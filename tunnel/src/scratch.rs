//! Buffers that a stream borrows only while bytes are there, so that an idle stream holds none.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncRead;

/// One read takes at most this; larger reads do not raise throughput.
pub const READ_MAX: usize = 128 * 1024;

/// What is left of a slab serves further reads down to this, so that a kept chunk does not pin much more than itself.
const READ_MIN: usize = 32 * 1024;

/// From here on a read is handed on as it lies in the slab; below, copying it out is cheaper than pinning the slab.
const HAND_OVER: usize = 8 * 1024;

thread_local! {
    static SLAB: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// Reads what is there, up to [`READ_MAX`] bytes; empty at the end of the stream. Large reads are not copied.
pub fn poll_read<R: AsyncRead + Unpin>(reader: &mut R, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
    SLAB.with_borrow_mut(|slab| {
        slab.clear();
        if slab.capacity() < READ_MIN {
            // A fresh slab: the old one belongs to the chunks handed out of it.
            *slab = BytesMut::with_capacity(READ_MAX);
        }
        let read = ready!(tokio_util::io::poll_read_buf(Pin::new(reader), cx, slab))?;
        Poll::Ready(Ok(if read < HAND_OVER { Bytes::copy_from_slice(slab) } else { slab.split().freeze() }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_and_large_reads_come_out_whole() {
        for size in [1, HAND_OVER - 1, HAND_OVER, READ_MAX, 3 * READ_MAX + 17] {
            let data: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).expect("below 251")).collect();
            let mut reader = &data[..];
            let mut seen = Vec::new();
            loop {
                let chunk =
                    std::future::poll_fn(|cx| poll_read(&mut reader, cx)).await.expect("a slice reads");
                if chunk.is_empty() {
                    break;
                }
                seen.extend_from_slice(&chunk);
            }
            assert_eq!(seen, data);
        }
    }
}
