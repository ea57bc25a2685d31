//! The kernel's TCP as a byte stream, and its settings in a tunnel.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::ByteStream;
use crate::limits;
use crate::shard::Shard;

/// The kernel holds at most this much that it has not sent yet, so a slow reader is noticed early.
const UNSENT: u32 = 128 * 1024;
/// An idle connection is probed after this, and given up after five lost probes: when the tunnel is given up too.
const PROBE_AFTER: Duration = Duration::from_secs(20);
const PROBE_EVERY: Duration = Duration::from_secs(5);
const PROBES: u32 = 5;

impl ByteStream for TcpStream {
    fn peer(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }

    /// The buffer sizes stay the kernel's, which tunes them itself while nobody sets them.
    fn tune(&self) -> io::Result<()> {
        self.set_nodelay(true)?;
        let socket = SockRef::from(self);
        socket.set_tcp_notsent_lowat(UNSENT)?;
        socket.set_tcp_user_timeout(Some(limits::DEAD_AFTER))?;
        let probes =
            TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(PROBES);
        socket.set_tcp_keepalive(&probes)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(cx)
    }

    fn try_read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        self.try_read_buf(buffer)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(cx)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Self::try_write(self, bytes)
    }

    fn break_off(&self) {
        // Fails when the other side broke it before.
        let _broken = SockRef::from(self).shutdown(Shutdown::Both).is_err();
    }

    fn move_to(self: Box<Self>, home: &Shard) -> io::Result<Box<dyn ByteStream>> {
        let socket = self.into_std()?;
        let _inside = home.handle().enter();
        Ok(Box::new(Self::from_std(socket)?))
    }
}
