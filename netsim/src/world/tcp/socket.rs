//! A connected socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tunnel::network::ByteStream;
use tunnel::shard::Shard;

use super::connection::Connection;
use super::end::{End, State};
use crate::plan::HostId;
use crate::world::wire::Wire;

pub(crate) struct Socket {
    wire: Arc<Wire>,
    connection: Arc<Connection>,
}

impl Socket {
    pub(super) fn of(wire: &Arc<Wire>, connection: Arc<Connection>) -> Self {
        Self { wire: wire.clone(), connection }
    }

    pub(crate) async fn connect(wire: &Arc<Wire>, host: HostId, peer: SocketAddr) -> io::Result<Self> {
        let connection = wire.with(|state, now| {
            let port = state.ports.unused(host);
            let local = SocketAddr::new(state.addresses.of(host), port);
            let connection = Connection::new((host, port, peer), local, State::Asking, now);
            state.ports.connections.insert(connection.id, connection.clone());
            connection.push(state, now);
            connection
        });
        let socket = Self::of(wire, connection);
        std::future::poll_fn(|cx| socket.poll(cx, |end| (end.state != State::Asking).then_some(Ok(()))))
            .await?;
        Ok(socket)
    }

    /// Waits until `ready` says something, or the connection breaks.
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        ready: impl FnOnce(&mut End) -> Option<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut end = self.connection.end();
        if let State::Broken(kind) = end.state {
            return Poll::Ready(Err(kind.into()));
        }
        if let Some(done) = ready(&mut end) {
            return Poll::Ready(done);
        }
        end.wakers.retain(|waker| !waker.will_wake(cx.waker()));
        end.wakers.push(cx.waker().clone());
        Poll::Pending
    }

    /// Like [`Self::poll`], but does not wait.
    fn attempt<T>(&self, act: impl FnOnce(&mut End) -> Option<T>) -> io::Result<T> {
        let mut end = self.connection.end();
        match end.state {
            State::Broken(kind) => Err(kind.into()),
            _ => act(&mut end).ok_or_else(|| io::ErrorKind::WouldBlock.into()),
        }
    }

    fn push(&self) {
        self.wire.with(|state, now| self.connection.push(state, now));
    }
}

impl ByteStream for Socket {
    fn peer(&self) -> io::Result<SocketAddr> {
        Ok(self.connection.id.2)
    }

    /// Small messages are never held back here, and silence breaks a connection as it does in a tunnel.
    fn tune(&self) -> io::Result<()> {
        Ok(())
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |end| end.receiving.is_readable().then_some(Ok(())))
    }

    fn try_read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        let read = self.attempt(|end| {
            let before = end.receiving.window();
            let read = end.receiving.read(buffer);
            end.opened(before);
            read
        })?;
        self.push();
        Ok(read)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |end| (end.state == State::Open && end.sending.is_writable()).then_some(Ok(())))
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.attempt(|end| end.sending.is_writable().then(|| end.sending.write(bytes)))?;
        self.push();
        Ok(written)
    }

    fn break_off(&self) {
        self.wire.with(|state, _| self.connection.reset(state));
    }

    fn move_to(self: Box<Self>, _home: &Shard) -> io::Result<Box<dyn ByteStream>> {
        Ok(self)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_readable(cx))?;
        let mut read = BytesMut::with_capacity(buffer.remaining());
        self.try_read(&mut read)?;
        buffer.put_slice(&read[..read.len().min(buffer.remaining())]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_writable(cx))?;
        Poll::Ready(self.try_write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.end().sending.finish();
        self.push();
        Poll::Ready(Ok(()))
    }
}

/// As in the kernel: unread bytes make it a reset, else what was written still leaves.
impl Drop for Socket {
    fn drop(&mut self) {
        self.wire.with(|state, now| {
            let mut end = self.connection.end();
            end.left = true;
            let unread = end.receiving.is_readable() && !end.receiving.is_at_end();
            let broken = matches!(end.state, State::Broken(_));
            if !broken && !unread && end.state == State::Open {
                end.sending.finish();
                drop(end);
                return self.connection.push(state, now);
            }
            drop(end);
            self.connection.reset(state);
        });
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({} to {})", self.connection.local, self.connection.id.2)
    }
}
