//! The settings of every TCP socket of this carrier.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::limits;
use crate::shard::Shard;

/// The kernel holds at most this much that it has not sent yet, so a slow reader is noticed early.
const UNSENT: u32 = 128 * 1024;
/// An idle connection is probed after this, and given up after five lost probes: when the tunnel is given up too.
const PROBE_AFTER: Duration = Duration::from_secs(20);
const PROBE_EVERY: Duration = Duration::from_secs(5);
const PROBES: u32 = 5;

/// The buffer sizes stay the kernel's, which tunes them itself while nobody sets them.
pub(super) fn tune(socket: &TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    socket.set_tcp_notsent_lowat(UNSENT)?;
    socket.set_tcp_user_timeout(Some(limits::DEAD_AFTER))?;
    let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(PROBES);
    socket.set_tcp_keepalive(&probes)
}

/// Registers `socket` with the runtime of `home`.
pub(super) fn move_to(home: &Shard, socket: TcpStream) -> std::io::Result<TcpStream> {
    let socket = socket.into_std()?;
    let _inside = home.handle().enter();
    TcpStream::from_std(socket)
}
