//! Where the public TCP port hands over connections of nodes: they come in beside the clients and are told apart by
//! the ALPN of their ClientHello.

use std::fmt::Debug;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio_rustls::StartHandshake;
use tunnel::identity::{ALPN_DATA, ALPN_TUNNEL};

/// Takes connections of nodes.
pub trait TunnelPort: Debug + Send + Sync + 'static {
    /// Finishes the handshake and keeps the connection; done when the connection is a tunnel's, or refused. The caller
    /// bounds the time and counts the handshake.
    fn take(&self, hello: StartHandshake<TcpStream>, remote: SocketAddr) -> BoxFuture<'_, ()>;
}

/// Whether a ClientHello comes from a node rather than from a client.
pub fn is_node(hello: &rustls::server::ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut offered| offered.any(|name| name == ALPN_TUNNEL || name == ALPN_DATA))
}
