//! Our own UDP sockets: sized buffers, one address family each, a bounded receive batch, the MTU of a path.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};

use crate::limits;

/// What the kernel granted for a UDP socket, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BufferSizes {
    pub receive: usize,
    pub send: usize,
    pub asked: usize,
}

impl BufferSizes {
    /// What to do about buffers that are too small, if they are.
    pub fn advice(&self) -> Option<String> {
        let granted = self.receive.min(self.send);
        (granted < self.asked).then(|| {
            let asked = self.asked;
            format!(
                "the kernel grants {granted} of {asked} bytes for UDP; fast transfers will lose packets. \
                 Mend: sysctl -w net.core.rmem_max={asked} net.core.wmem_max={asked}"
            )
        })
    }
}

/// Binds one family only: quinn keeps congestion state over a NAT rebinding only for plain IPv4 addresses, which an
/// IPv6 socket would show as mapped ones.
pub(crate) fn bind(address: SocketAddr, shared_port: bool) -> io::Result<(UdpSocket, BufferSizes)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if shared_port {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    // The kernel cuts the wish to its maximum without an error, and reports twice what it counts.
    socket.set_recv_buffer_size(limits::UDP_BUFFER)?;
    socket.set_send_buffer_size(limits::UDP_BUFFER)?;
    let sizes = BufferSizes {
        receive: socket.recv_buffer_size()? / 2,
        send: socket.send_buffer_size()? / 2,
        asked: limits::UDP_BUFFER,
    };
    socket.bind(&address.into())?;
    Ok((socket.into(), sizes))
}

/// Largest UDP payload to try towards `peer`: what the local interface's MTU allows, at most [`limits::MTU_MAX`], or
/// [`limits::MTU_WHOLE`]. The path itself is measured by MTU discovery below this bound.
pub(crate) fn payload_bound(peer: SocketAddr) -> u16 {
    let unspecified: IpAddr =
        if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let interface = || -> io::Result<u32> {
        let socket = UdpSocket::bind(SocketAddr::new(unspecified, 0))?;
        socket.connect(peer)?;
        Ok(if peer.is_ipv4() {
            rustix::net::sockopt::ip_mtu(&socket)?
        } else {
            rustix::net::sockopt::ipv6_mtu(&socket)?
        })
    };
    bound_for_interface(interface().unwrap_or(1500))
}

/// 48 bytes go to the IPv6 and UDP headers; the IPv4 ones are smaller.
fn bound_for_interface(mtu: u32) -> u16 {
    let payload = u16::try_from(mtu.saturating_sub(48)).unwrap_or(u16::MAX);
    if payload >= limits::MTU_WHOLE {
        return limits::MTU_WHOLE;
    }
    payload.clamp(limits::MTU_MIN, limits::MTU_MAX)
}

/// Messages of up to 64 KiB in one receive: 256 KiB stay in a core's cache until they are decrypted and written on; the
/// 2 MiB of quinn's 32 messages do not.
const RECEIVE_BATCH: usize = 4;

/// quinn's socket with smaller batches. The kernel never joins more than 64 KiB into one message, so room for two of the
/// largest packets is enough for each.
pub(crate) struct BoundedSocket(Arc<dyn AsyncUdpSocket>);

impl BoundedSocket {
    /// Registers `socket` with the runtime of the current thread.
    pub(crate) fn register(socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(Self(TokioRuntime.wrap_udp_socket(socket)?)))
    }
}

impl fmt::Debug for BoundedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsyncUdpSocket for BoundedSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.0.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.0.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let batch = RECEIVE_BATCH.min(bufs.len());
        self.0.poll_recv(cx, &mut bufs[..batch], &mut meta[..batch])
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.0.max_transmit_segments().min(65_507 / usize::from(limits::MTU_MAX))
    }

    fn max_receive_segments(&self) -> usize {
        self.0.max_receive_segments().min(1 + 65_535 / usize::from(limits::MTU_WHOLE))
    }

    fn may_fragment(&self) -> bool {
        self.0.may_fragment()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_ten_fits_one_datagram() {
        assert!(10 * usize::from(limits::MTU_MAX) <= 65_507);
    }

    #[test]
    fn the_bound_follows_the_interface() {
        let table = [(1280, 1232), (1500, 1452), (9000, 6500), (20_000, 6500), (65_536, 65_000), (500, 1200)];
        for (interface, payload) in table {
            assert_eq!(bound_for_interface(interface), payload, "interface MTU {interface}");
        }
        assert_eq!(payload_bound("127.0.0.1:9".parse().expect("an address")), limits::MTU_WHOLE);
    }

    #[test]
    fn buffers_are_read_back() {
        let (_socket, sizes) = bind("127.0.0.1:0".parse().expect("an address"), false).expect("binds");
        assert!(sizes.receive > 0 && sizes.receive <= limits::UDP_BUFFER);
        assert_eq!(sizes.advice().is_none(), sizes.receive.min(sizes.send) >= limits::UDP_BUFFER);
    }
}
