//! The kernel's network.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};

use super::{ByteListener, ByteStream, Network, UdpPort};
use crate::quic::{ListenError, socket, steer};
use crate::shard::Shards;

/// Sockets of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Kernel;

impl Network for Kernel {
    fn udp(&self, peer: SocketAddr) -> io::Result<UdpPort> {
        let local: SocketAddr = if peer.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let (udp, buffers) = socket::bind(local, false)?;
        let address = udp.local_addr()?;
        Ok(UdpPort { socket: socket::BoundedSocket::register(udp)?, address, buffers })
    }

    fn udp_shared(&self, address: SocketAddr, shards: &Shards) -> Result<Vec<UdpPort>, ListenError> {
        let mut sockets = Vec::with_capacity(shards.len());
        let mut bound = address;
        for _ in shards.iter() {
            let (udp, sizes) = socket::bind(bound, true).map_err(|error| ListenError::Bind(bound, error))?;
            // Port 0 becomes a real one with the first socket.
            bound = udp.local_addr().map_err(|error| ListenError::Bind(bound, error))?;
            sockets.push((udp, sizes));
        }
        if shards.len() > 1 {
            steer::steer_by_connection_id(&sockets[0].0, shards.len()).map_err(ListenError::Steer)?;
        }
        let register = |(shard, (udp, buffers)): (&crate::shard::Shard, _)| {
            let _inside = shard.handle().enter();
            let socket =
                socket::BoundedSocket::register(udp).map_err(|error| ListenError::Bind(bound, error))?;
            Ok(UdpPort { socket, address: bound, buffers })
        };
        shards.iter().zip(sockets).map(register).collect()
    }

    fn payload_bound(&self, peer: SocketAddr) -> u16 {
        socket::payload_bound(peer)
    }

    fn connect(&self, peer: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>> {
        TcpStream::connect(peer).map(|connected| Ok(Box::new(connected?) as Box<dyn ByteStream>)).boxed()
    }

    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn ByteListener>> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Box::new(TcpListener::from_std(listener)?))
    }
}

impl ByteListener for TcpListener {
    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Box<dyn ByteStream>, SocketAddr)>> {
        Self::poll_accept(self, cx).map_ok(|(socket, peer)| (Box::new(socket) as Box<dyn ByteStream>, peer))
    }
}
