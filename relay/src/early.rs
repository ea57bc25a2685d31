//! The client's first bytes: sent ahead of the node's answer, and kept until it comes, so that another node can have
//! them if this one says no.

use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::pin;

use bytes::Bytes;
use tokio::net::TcpStream;
use tunnel::{SendHalf, Stream};

use crate::error::TryError;

/// What is read ahead at most: the head of a request fits, a flood does not.
const AHEAD: usize = 4096;

/// Bytes of one client before its stream is accepted.
#[derive(Debug, Default)]
pub(crate) struct Early {
    first: Bytes,
    /// The end of `first` that the stream did not take yet.
    unsent: Bytes,
    ended: bool,
}

impl Early {
    /// Takes what the client sent with its handshake, without waiting.
    pub(crate) fn peek(&mut self, socket: &TcpStream) -> Result<(), TryError> {
        // tokio knows nothing of a socket this young, so the kernel is asked.
        let mut buffer = [0; AHEAD];
        match rustix::net::recv(socket, &mut buffer[..], rustix::net::RecvFlags::DONTWAIT) {
            Ok((0, _)) => self.ended = true,
            Ok((count, _)) => self.first = Bytes::copy_from_slice(&buffer[..count]),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(TryError::Client(error.into())),
        }
        Ok(())
    }

    /// What goes out with the preamble.
    pub(crate) fn first(&self) -> Bytes {
        self.first.clone()
    }

    /// Whether payload may have left.
    pub(crate) fn is_sent(&self) -> bool {
        self.unsent.len() < self.first.len()
    }

    /// Waits for the node's answer; meanwhile the client's first bytes follow the preamble.
    pub(crate) async fn answered(&mut self, socket: &TcpStream, stream: &mut Stream) -> Result<(), TryError> {
        self.unsent = Bytes::new();
        let (send, recv) = (&mut stream.send, &mut stream.recv);
        let mut answered = pin!(recv.answered());
        tokio::select! {
            biased;
            answer = &mut answered => answer?,
            error = self.send_first(socket, send) => return Err(error),
        }
        // Its answer may have come in the middle of a write.
        Ok(send.write(std::mem::take(&mut self.unsent)).await?)
    }

    /// Sends the first bytes once they are there; comes back only with an error.
    async fn send_first(&mut self, socket: &TcpStream, send: &mut SendHalf) -> TryError {
        while self.first.is_empty() && !self.ended {
            if let Err(error) = socket.readable().await {
                return TryError::Client(error);
            }
            if let Err(error) = self.read(socket) {
                return TryError::Client(error);
            }
        }
        while !self.unsent.is_empty() {
            // What a dropped write did not take stays in `unsent`.
            if let Err(error) = poll_fn(|cx| send.poll_chunk(cx, &mut self.unsent)).await {
                return error.into();
            }
        }
        if let Err(error) = poll_fn(|cx| send.poll_flush(cx)).await {
            return error.into();
        }
        pending().await
    }

    fn read(&mut self, socket: &TcpStream) -> io::Result<()> {
        let mut buffer = [0; AHEAD];
        match socket.try_read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.first = Bytes::copy_from_slice(&buffer[..count]);
                self.unsent = self.first.clone();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
