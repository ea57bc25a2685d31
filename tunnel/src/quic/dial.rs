//! A node dials a gateway over QUIC.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, TokioRuntime};

use super::carrier::Carrier;
use super::socket::BufferSizes;
use super::{settings, steer};
use crate::chance;
use crate::error::{CloseCode, DialError};
use crate::handshake;
use crate::identity::{self, NodeKey, Trust};
use crate::limits;
use crate::network::Network;
use crate::shard::Shard;
use crate::tunnel::{ControlHalves, Role, Tunnel};
use crate::wire::control::Hello;

/// Dials `peer` and says hello. Runs on, and the tunnel lives on, `home`.
///
/// `name` is what the gateway's certificate must be for. `stripe` numbers the tunnels of one node to one gateway; the
/// gateway spreads them over its shards by it.
#[expect(clippy::too_many_arguments, reason = "whom, how to believe, who we are, and where to live")]
pub async fn dial(
    peer: SocketAddr,
    name: &str,
    trust: &Trust,
    key: &NodeKey,
    hello: &Hello,
    stripe: usize,
    home: &Shard,
) -> Result<Tunnel, DialError> {
    let tls = identity::client_config(key, trust, identity::ALPN_TUNNEL)?;
    let (name, hello, on) = (name.to_owned(), hello.clone(), home.clone());
    home.spawn(async move { dial_here(peer, &name, tls, &hello, stripe, on).await })
        .await
        .map_err(|stopped| DialError::Quic(peer, stopped.to_string()))?
}

/// What a way over UDP is like.
#[derive(Clone, Copy, Debug)]
pub struct Probed {
    pub rtt: Duration,
    pub buffers: BufferSizes,
}

/// Shakes hands with the gateway at `peer` and leaves again without a hello: no node is displaced by it.
pub async fn probe(
    peer: SocketAddr,
    name: &str,
    trust: &Trust,
    key: &NodeKey,
    home: &Shard,
) -> Result<Probed, DialError> {
    let tls = identity::client_config(key, trust, identity::ALPN_TUNNEL)?;
    let (endpoint, config, buffers) = prepare(peer, tls, 0, &**home.network())?;
    let connection = shake(&endpoint, config, peer, name).await?;
    let rtt = connection.rtt();
    connection.close(quinn::VarInt::from_u32(CloseCode::Done as u32), b"only a look");
    // The close is one datagram; who does not acknowledge it is not waited for.
    let _unheard = tokio::time::timeout(rtt * 3, endpoint.wait_idle()).await;
    Ok(Probed { rtt, buffers })
}

async fn shake(
    endpoint: &Endpoint,
    config: ClientConfig,
    peer: SocketAddr,
    name: &str,
) -> Result<quinn::Connection, DialError> {
    let failed = |error: String| DialError::Quic(peer, error);
    let connecting = endpoint.connect_with(config, peer, name).map_err(|error| failed(error.to_string()))?;
    tokio::time::timeout(limits::HANDSHAKE, connecting)
        .await
        .map_err(|_| DialError::Timeout(peer, limits::HANDSHAKE))?
        .map_err(|error| failed(error.to_string()))
}

async fn dial_here(
    peer: SocketAddr,
    name: &str,
    tls: rustls::ClientConfig,
    hello: &Hello,
    stripe: usize,
    home: Shard,
) -> Result<Tunnel, DialError> {
    let (endpoint, config, buffers) = prepare(peer, tls, stripe, &**home.network())?;
    let failed = |error: String| DialError::Quic(peer, error);
    let connection = shake(&endpoint, config, peer, name).await?;
    let (writer, reader) = connection.open_bi().await.map_err(|error| failed(error.to_string()))?;
    let mut control = tokio::io::join(reader, writer);
    let welcome = handshake::introduce(&mut control, hello, peer).await?;
    let (reader, writer) = control.into_inner();
    let control = ControlHalves { reader: Box::new(reader), writer: Box::new(writer) };
    let carrier = Carrier::new(connection, endpoint, limits::STREAMS_AT_FIRST).with_buffers(buffers);
    carrier.authenticated();
    let carrier = crate::carrier::Carrier::Quic(carrier);
    Ok(Tunnel::start(welcome, Role::Dialler, home, peer, carrier, control))
}

fn prepare(
    peer: SocketAddr,
    mut tls: rustls::ClientConfig,
    stripe: usize,
    network: &dyn Network,
) -> Result<(Endpoint, ClientConfig, BufferSizes), DialError> {
    let udp = network.udp(peer).map_err(DialError::Socket)?;
    let settings = settings::endpoint(0, 1, &std::array::from_fn(|_| chance::random()));
    let endpoint = Endpoint::new_with_abstract_socket(settings, None, udp.socket, Arc::new(TokioRuntime))
        .map_err(DialError::Socket)?;
    // Each dial has a configuration of its own, so its room of 22 kB for sessions to resume would stay empty.
    tls.resumption = rustls::client::Resumption::disabled();
    let crypto = QuicClientConfig::try_from(tls).map_err(|error| DialError::Quic(peer, error.to_string()))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(settings::transport(Role::Dialler, network.payload_bound(peer)));
    // The gateway's kernel takes this byte modulo the number of its shards, whatever that is.
    config.initial_dst_cid_provider(Arc::new(move || steer::connection_id(stripe % 256, 256)));
    Ok((endpoint, config, udp.buffers))
}
