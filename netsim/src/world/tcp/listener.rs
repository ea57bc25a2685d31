//! A port that connections come in on.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tunnel::network::{ByteListener, ByteStream};

use super::connection::Connection;
use super::socket::Socket;
use crate::plan::HostId;
use crate::world::wire::Wire;

/// Connections that nobody accepted yet; the kernel's `somaxconn`.
const BACKLOG: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Listening(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    connections: VecDeque<Arc<Connection>>,
    acceptor: Option<Waker>,
}

impl Listening {
    pub(super) fn offer(&self, connection: Arc<Connection>) {
        let mut waiting = self.0.lock().expect("no panic while held");
        if waiting.connections.len() < BACKLOG {
            waiting.connections.push_back(connection);
        }
        if let Some(acceptor) = waiting.acceptor.take() {
            acceptor.wake();
        }
    }
}

#[derive(Debug)]
pub(crate) struct Listener {
    wire: Arc<Wire>,
    host: HostId,
    local: SocketAddr,
    listening: Arc<Listening>,
}

impl Listener {
    pub(crate) fn bind(wire: &Arc<Wire>, host: HostId, port: u16) -> io::Result<Self> {
        let listening = Arc::new(Listening::default());
        let mut state = wire.state();
        let local = SocketAddr::new(state.addresses.of(host), port);
        if state.ports.listening.contains_key(&(host, port)) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        state.ports.listening.insert((host, port), listening.clone());
        drop(state);
        Ok(Self { wire: wire.clone(), host, local, listening })
    }

    pub(crate) async fn accept(&self) -> (Socket, SocketAddr) {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<(Socket, SocketAddr)> {
        let mut waiting = self.listening.0.lock().expect("no panic while held");
        let Some(connection) = waiting.connections.pop_front() else {
            waiting.acceptor = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let peer = connection.id.2;
        Poll::Ready((Socket::of(&self.wire, connection), peer))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut state = self.wire.state();
        let key = (self.host, self.local.port());
        if state.ports.listening.get(&key).is_some_and(|bound| Arc::ptr_eq(bound, &self.listening)) {
            state.ports.listening.remove(&key);
        }
    }
}

impl ByteListener for Listener {
    fn address(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Box<dyn ByteStream>, SocketAddr)>> {
        self.poll_next(cx).map(|(socket, peer)| Ok((Box::new(socket) as Box<dyn ByteStream>, peer)))
    }
}
