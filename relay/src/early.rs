//! What the client sends before the node's answer comes: sent ahead of it, and kept, so that another node can have it if
//! this one says no.

use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;
use tunnel::{SendHalf, Stream, StreamError};

use crate::error::TryError;

/// What is read at once.
const READ: usize = 4096;
/// What is sent ahead at most; the rest waits for the answer. A client that types or uploads loses no round trip, and a
/// flood of clients before a silent node holds less than one of them may afterwards.
const AHEAD: usize = 64 * 1024;

/// Bytes of one client before its stream is accepted.
#[derive(Debug, Default)]
pub(crate) struct Early {
    kept: BytesMut,
    /// The end of `kept` that the stream did not take yet.
    unsent: Bytes,
    ended: bool,
}

impl Early {
    /// Takes what the client sent with its handshake, without waiting.
    pub(crate) fn peek(&mut self, socket: &TcpStream) -> Result<(), TryError> {
        // tokio knows nothing of a socket this young, so the kernel is asked.
        let mut buffer = [0; READ];
        match rustix::net::recv(socket, &mut buffer[..], rustix::net::RecvFlags::DONTWAIT) {
            Ok((0, _)) => self.ended = true,
            Ok((count, _)) => self.kept.extend_from_slice(&buffer[..count]),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(TryError::Client(error.into())),
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What goes out with the preamble: everything that came so far.
    pub(crate) fn kept(&self) -> Bytes {
        Bytes::copy_from_slice(&self.kept)
    }

    /// Whether payload may have left.
    pub(crate) fn is_sent(&self) -> bool {
        self.unsent.len() < self.kept.len()
    }

    /// Waits for the node's answer; meanwhile what the client sends follows the preamble.
    pub(crate) async fn answered(&mut self, socket: &TcpStream, stream: &mut Stream) -> Result<(), TryError> {
        self.unsent = Bytes::new();
        let (send, recv) = (&mut stream.send, &mut stream.recv);
        tokio::select! {
            biased;
            answer = recv.answered() => answer?,
            error = self.send_ahead(socket, send) => return Err(error),
        }
        // Its answer may have come in the middle of a write.
        Ok(send.write(std::mem::take(&mut self.unsent)).await?)
    }

    /// Sends what the client sends, as far as it is kept; comes back only if the client is gone.
    async fn send_ahead(&mut self, socket: &TcpStream, send: &mut SendHalf) -> TryError {
        while !self.ended && self.kept.len() < AHEAD {
            if let Err(error) = self.read(socket).await {
                return TryError::Client(error);
            }
            if poll_fn(|cx| self.poll_send(cx, send)).await.is_err() {
                // A node that takes no more says why in its answer.
                break;
            }
        }
        pending().await
    }

    /// What a dropped poll did not send stays in `unsent`.
    fn poll_send(&mut self, cx: &mut Context<'_>, send: &mut SendHalf) -> Poll<Result<(), StreamError>> {
        while !self.unsent.is_empty() {
            ready!(send.poll_chunk(cx, &mut self.unsent))?;
        }
        send.poll_flush(cx)
    }

    /// Waits for more, and takes it. Cancel safe.
    async fn read(&mut self, socket: &TcpStream) -> io::Result<()> {
        socket.readable().await?;
        let mut buffer = [0; READ];
        match socket.try_read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.kept.extend_from_slice(&buffer[..count]);
                self.unsent = Bytes::copy_from_slice(&buffer[..count]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
