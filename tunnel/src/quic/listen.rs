//! A gateway's UDP port: one socket for each shard, handshakes off the accept loop, shedding before any crypto.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, ServerConfig, TokioRuntime};
use rustls_pki_types::CertificateDer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::carrier::Carrier;
use super::settings;
use super::socket::BufferSizes;
use crate::handshake::Pending;
use crate::identity::{self, Fingerprint, IdentityError, ServerIdentity};
use crate::limits;
use crate::shard::{Shard, Shards};
use crate::tunnel::{ControlHalves, Role, Transport};

/// Why a gateway cannot listen for QUIC.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot listen on UDP {0}: {1}")]
    Bind(SocketAddr, #[source] std::io::Error),
    #[error("cannot steer datagrams between shards: {0}")]
    Steer(#[source] std::io::Error),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the TLS settings do not fit QUIC: {0}")]
    Quic(String),
}

/// Listens until dropped or [closed](Listener::close).
#[derive(Debug)]
pub struct Listener {
    endpoints: Vec<Endpoint>,
    address: SocketAddr,
    buffers: BufferSizes,
    _accepting: Vec<AbortOnDropHandle<()>>,
}

impl Listener {
    /// Binds `address` once per shard and delivers every node that said hello to `nodes`.
    ///
    /// `reset_key` should be the same at the next start of this gateway.
    pub fn bind(
        address: SocketAddr,
        identity: &ServerIdentity,
        reset_key: &[u8; 64],
        shards: &Shards,
        nodes: &mpsc::Sender<Pending>,
    ) -> Result<Self, ListenError> {
        let config = server_config(identity, settings::transport(Role::Acceptor, limits::MTU_INTERNET))?;
        let ports = shards.get(0).network().udp_shared(address, shards)?;
        let first = ports.first().expect("there is at least one shard");
        let (bound, buffers) = (first.address, first.buffers);
        let (mut endpoints, mut tasks) = (Vec::with_capacity(shards.len()), Vec::new());
        for (shard, port) in shards.iter().zip(ports) {
            let _inside = shard.handle().enter();
            let settings = settings::endpoint(shard.index(), shards.len(), reset_key);
            let (server, runtime) = (Some(config.clone()), Arc::new(TokioRuntime));
            let endpoint = Endpoint::new_with_abstract_socket(settings, server, port.socket, runtime)
                .map_err(|error| ListenError::Bind(bound, error))?;
            let accepting = accept_loop(endpoint.clone(), config.clone(), shard.clone(), nodes.clone());
            tasks.push(AbortOnDropHandle::new(shard.spawn(accepting)));
            endpoints.push(endpoint);
        }
        Ok(Self { endpoints, address: bound, buffers, _accepting: tasks })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn buffers(&self) -> BufferSizes {
        self.buffers
    }

    /// Shows another certificate to nodes that dial from now on.
    pub fn set_identity(&self, identity: &ServerIdentity) -> Result<(), ListenError> {
        let config = server_config(identity, settings::transport(Role::Acceptor, limits::MTU_INTERNET))?;
        self.endpoints.iter().for_each(|endpoint| endpoint.set_server_config(Some(config.clone())));
        Ok(())
    }

    /// Refuses new nodes; tunnels that are open stay.
    pub fn close(&self) {
        self.endpoints.iter().for_each(|endpoint| endpoint.set_server_config(None));
    }
}

fn server_config(
    identity: &ServerIdentity,
    transport: Arc<quinn::TransportConfig>,
) -> Result<ServerConfig, ListenError> {
    let tls = identity::gateway_config(identity, &[identity::ALPN_TUNNEL])?;
    let crypto = QuicServerConfig::try_from(tls).map_err(|error| ListenError::Quic(error.to_string()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(transport)
        .migration(true)
        .max_incoming(limits::HALF_OPEN_MAX)
        .incoming_buffer_size(64 * 1024)
        .incoming_buffer_size_total(32 * 1024 * 1024);
    Ok(config)
}

async fn accept_loop(endpoint: Endpoint, config: ServerConfig, shard: Shard, nodes: mpsc::Sender<Pending>) {
    let half_open = Arc::new(AtomicUsize::new(0));
    let whole = Arc::new(Semaphore::new(limits::WHOLE_PLACES));
    while let Some(incoming) = endpoint.accept().await {
        let open = half_open.load(Ordering::Relaxed);
        if open >= limits::HALF_OPEN_MAX {
            incoming.ignore();
            continue;
        }
        if open >= limits::HALF_OPEN_RETRY && incoming.may_retry() {
            // Costs no memory: the address proves itself by coming back.
            let _unvalidated = incoming.retry().is_ok();
            continue;
        }
        half_open.fetch_add(1, Ordering::Relaxed);
        let guard = HalfOpen(half_open.clone());
        let (endpoint, config, nodes, home, whole) =
            (endpoint.clone(), config.clone(), nodes.clone(), shard.clone(), whole.clone());
        tokio::spawn(async move {
            let remote = incoming.remote_address();
            match tokio::time::timeout(limits::HANDSHAKE, welcome(incoming, endpoint, config, home, whole))
                .await
            {
                Ok(Ok(pending)) => {
                    drop(guard);
                    // The gateway ends: nobody is there to decide.
                    let _undelivered = nodes.send(pending).await;
                }
                Ok(Err(error)) => tracing::debug!(%remote, error, "a QUIC handshake failed"),
                Err(_) => tracing::debug!(%remote, "a QUIC handshake took too long"),
            }
        });
    }
}

struct HalfOpen(Arc<AtomicUsize>);

impl Drop for HalfOpen {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn welcome(
    incoming: quinn::Incoming,
    endpoint: Endpoint,
    mut config: ServerConfig,
    home: Shard,
    whole: Arc<Semaphore>,
) -> Result<Pending, String> {
    let remote = incoming.remote_address();
    let (payload, place) = payload(home.network().payload_bound(remote), whole);
    config.transport_config(settings::transport(Role::Acceptor, payload));
    let connecting = incoming.accept_with(Arc::new(config)).map_err(|error| error.to_string())?;
    let connection = connecting.await.map_err(|error| error.to_string())?;
    let key = peer_key(&connection).ok_or("the peer showed no key")?;
    let (writer, reader) = connection.accept_bi().await.map_err(|error| error.to_string())?;
    let mut control = ControlHalves { reader: Box::new(reader), writer: Box::new(writer) };
    let hello = Pending::read_hello(&mut control).await.map_err(|error| error.to_string())?;
    let carrier = Carrier::new(connection, endpoint, limits::STREAMS_TO_NODE).with_place(place);
    let carrier = crate::carrier::Carrier::Quic(carrier);
    let tunnel_id = crate::wire::TraceId::random().to_string();
    Ok(Pending { hello, key, remote, transport: Transport::Quic, tunnel_id, home, carrier, control })
}

/// Largest UDP payload for a path whose interface allows `bound`, and the place that it takes.
fn payload(bound: u16, whole: Arc<Semaphore>) -> (u16, Option<OwnedSemaphorePermit>) {
    if bound <= limits::MTU_MAX {
        return (bound, None);
    }
    whole.try_acquire_owned().map_or((limits::MTU_INTERNET, None), |place| (bound, Some(place)))
}

fn peer_key(connection: &quinn::Connection) -> Option<Fingerprint> {
    let shown = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    identity::peer_fingerprint(Some(&shown))
}
