//! What a refused client still sends is read and thrown away for a moment: a close with unread bytes is a reset, which
//! could overtake the answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Long enough for what is under way when the answer leaves.
const MOMENT: Duration = Duration::from_secs(2);
/// Thrown away at most, bytes; a client that sends on after that does not read.
const MOST: usize = 4 << 20;

#[derive(Debug, Default)]
pub(super) struct Linger {
    over: Option<Pin<Box<Sleep>>>,
    read: usize,
}

impl Linger {
    /// Ready when the client has ended, or has had its moment.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, socket: &mut (impl AsyncRead + Unpin)) -> Poll<()> {
        let over = self.over.get_or_insert_with(|| Box::pin(sleep(MOMENT)));
        if over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut space = [0; super::READ];
        while self.read < MOST {
            let mut space = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut *socket).poll_read(cx, &mut space));
            if read.is_err() || space.filled().is_empty() {
                break;
            }
            self.read += space.filled().len();
        }
        Poll::Ready(())
    }
}
