//! The network that the tasks of a shard see: the kernel's, or a simulated one.
//!
//! Everything that a tunnel sends leaves through here, so the same code runs on a machine and in a simulation.

mod kernel;
mod tcp;

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use futures_util::future::BoxFuture;
use quinn::AsyncUdpSocket;
use tokio::io::{AsyncRead, AsyncWrite};

pub use kernel::Kernel;

use crate::quic::{BufferSizes, ListenError};
use crate::shard::{Shard, Shards};

/// Where sockets come from.
pub trait Network: Debug + Send + Sync {
    /// A UDP socket on an unused port, to dial `peer` from; registered with the runtime of the caller.
    fn udp(&self, peer: SocketAddr) -> io::Result<UdpPort>;

    /// One UDP port for a whole gateway: a socket for each shard, in their order and registered with them. A datagram
    /// comes to the socket that the first byte of its connection id names.
    fn udp_shared(&self, address: SocketAddr, shards: &Shards) -> Result<Vec<UdpPort>, ListenError>;

    /// Largest UDP payload to try towards `peer`; the path itself is measured below this bound.
    fn payload_bound(&self, peer: SocketAddr) -> u16;

    /// A connected byte stream, registered with the runtime of the caller.
    fn connect(&self, peer: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>>;

    /// A port that byte streams are accepted on, registered with the runtime of the caller.
    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn ByteListener>>;
}

/// A bound UDP socket.
#[derive(Debug)]
pub struct UdpPort {
    pub socket: Arc<dyn AsyncUdpSocket>,
    pub address: SocketAddr,
    pub buffers: BufferSizes,
}

/// Byte streams that come in.
pub trait ByteListener: Debug + Send + Sync {
    fn address(&self) -> io::Result<SocketAddr>;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Box<dyn ByteStream>, SocketAddr)>>;
}

/// A connected byte stream, as TCP has them. Beside reading and writing as usual it tells when it is ready, so that two
/// tasks can use it behind a shared reference.
pub trait ByteStream: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin {
    fn peer(&self) -> io::Result<SocketAddr>;

    /// Sets it up for a tunnel: no delay, silence noticed, little unsent.
    fn tune(&self) -> io::Result<()>;

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Reads what is there into the spare room of `buffer`; 0 at the end, `WouldBlock` when there is nothing.
    fn try_read(&self, buffer: &mut BytesMut) -> io::Result<usize>;

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Ends both directions; whoever waits on it wakes up.
    fn break_off(&self);

    /// Registers it with the runtime of `home` instead.
    fn move_to(self: Box<Self>, home: &Shard) -> io::Result<Box<dyn ByteStream>>;
}
