//! What a host's shards see of the network.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tunnel::network::{ByteListener, ByteStream, Network, UdpPort};
use tunnel::quic::{BufferSizes, ListenError};
use tunnel::shard::Shards;

use super::tcp::{Listener, Socket};
use super::udp::UdpSocket;
use super::wire::Wire;
use crate::plan::HostId;

/// What the tunnel asks the kernel for is granted.
const BUFFER: usize = 4 << 20;
/// IPv6 and UDP headers.
const HEADERS: u16 = 48;

/// The network, seen from one host.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) wire: Arc<Wire>,
    pub(crate) host: HostId,
}

impl Seen {
    fn port(&self, port: Option<u16>) -> io::Result<UdpPort> {
        let socket = UdpSocket::bind(&self.wire, self.host, port)?;
        let address = quinn::AsyncUdpSocket::local_addr(&socket)?;
        let buffers = BufferSizes { receive: BUFFER, send: BUFFER, asked: BUFFER };
        Ok(UdpPort { socket: Arc::new(socket), address, buffers })
    }
}

impl Network for Seen {
    fn udp(&self, _peer: SocketAddr) -> io::Result<UdpPort> {
        self.port(None)
    }

    fn udp_shared(&self, address: SocketAddr, shards: &Shards) -> Result<Vec<UdpPort>, ListenError> {
        assert_eq!(shards.len(), 1, "a simulated host has one shard");
        let port = self.port(Some(address.port())).map_err(|error| ListenError::Bind(address, error))?;
        Ok(vec![port])
    }

    fn payload_bound(&self, _peer: SocketAddr) -> u16 {
        let state = self.wire.state();
        let first = state.topology.ladder(self.host).first();
        let interface = first.map_or(1500, |link| state.lines[link.0].up.model().mtu.bytes);
        interface.saturating_sub(HEADERS).clamp(tunnel::limits::MTU_MIN, tunnel::limits::MTU_MAX)
    }

    fn connect(&self, peer: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn ByteStream>>> {
        let seen = self.clone();
        Box::pin(async move {
            let socket = Socket::connect(&seen.wire, seen.host, peer).await?;
            Ok(Box::new(socket) as Box<dyn ByteStream>)
        })
    }

    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn ByteListener>> {
        Ok(Box::new(Listener::bind(&self.wire, self.host, address.port())?))
    }
}
