//! A gateway's side: TLS connections of nodes, which came in on the port of the HTTPS clients.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::{ClientHello, ProducesTickets};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;
use tokio_util::task::AbortOnDropHandle;

use super::carrier::Carrier;
use super::hello::{DataAnswer, DataHello, Secrets};
use super::link::Link;
use super::links::Stock;
use super::pool::Pool;
use super::tunnels::Tunnels;
use crate::error::StreamError;
use crate::handshake::Pending;
use crate::identity::{self, Fingerprint, IdentityError, ServerIdentity};
use crate::limits;
use crate::network::ByteStream;
use crate::shard::{Shard, Shards};
use crate::tunnel::{ControlHalves, Transport};
use crate::wire::TraceId;
use crate::wire::control::{self, ControlError};

/// How often a tunnel looks for broken and needless data connections.
const TEND: Duration = Duration::from_secs(10);

/// Whether a connection belongs to a node's tunnel, rather than to an HTTPS client.
pub fn is_tunnel(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut offered| {
        offered.any(|name| name == identity::ALPN_TUNNEL || name == identity::ALPN_DATA)
    })
}

/// Why a connection that claimed to be a node's was dropped.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("too many nodes are in their handshake")]
    Busy,
    #[error("the handshake was not over within {0:?}")]
    Timeout(Duration),
    #[error("the handshake failed: {0}")]
    Handshake(#[source] std::io::Error),
    #[error("the peer showed no key")]
    NoKey,
    #[error("the hello is not understood: {0}")]
    Hello(#[from] ControlError),
    #[error("a data connection names a tunnel that is not open, or not its own")]
    UnknownTunnel,
    #[error("key {0} is not allowed in here; it would stand in lan.json")]
    NotAllowed(Fingerprint),
    #[error("the tunnel has enough data connections")]
    Full,
    #[error("the data connection broke at once: {0}")]
    Data(#[from] StreamError),
    #[error("the handshake gives no keys: {0}")]
    Keys(#[from] rustls::Error),
    #[error("the socket broke: {0}")]
    Socket(#[from] std::io::Error),
}

/// Takes nodes' connections from the HTTPS listener: delivers control connections as [`Pending`], and adds data
/// connections to the tunnel they name.
#[derive(Debug)]
pub struct Acceptor {
    config: Mutex<Arc<ServerConfig>>,
    tickets: Arc<dyn ProducesTickets>,
    shards: Shards,
    nodes: mpsc::Sender<Pending>,
    tunnels: Arc<Tunnels>,
    handshakes: Semaphore,
}

impl Acceptor {
    pub fn new(
        identity: &ServerIdentity,
        shards: &Shards,
        nodes: &mpsc::Sender<Pending>,
    ) -> Result<Self, IdentityError> {
        let tickets = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        Ok(Self {
            config: Mutex::new(server_config(identity, &tickets)?),
            tickets,
            shards: shards.clone(),
            nodes: nodes.clone(),
            tunnels: Arc::default(),
            handshakes: Semaphore::new(limits::HALF_OPEN_MAX),
        })
    }

    /// Shows another certificate to nodes that dial from now on.
    pub fn set_identity(&self, identity: &ServerIdentity) -> Result<(), IdentityError> {
        let config = server_config(identity, &self.tickets)?;
        *self.config.lock().expect("no panic while held") = config;
        Ok(())
    }

    /// Serves one connection for which [`is_tunnel`] holds, until it is delivered; call it off the accept loop.
    pub async fn accept<S>(&self, start: StartHandshake<S>) -> Result<(), AcceptError>
    where
        S: ByteStream + 'static,
    {
        let _place = self.handshakes.try_acquire().map_err(|_| AcceptError::Busy)?;
        let deadline = Instant::now() + limits::HANDSHAKE;
        let within = |_| AcceptError::Timeout(limits::HANDSHAKE);
        let config = self.config.lock().expect("no panic while held").clone();
        start.io.tune()?;
        let remote = start.io.peer()?;
        let tls = tokio::time::timeout_at(deadline, start.into_stream(config))
            .await
            .map_err(within)?
            .map_err(AcceptError::Handshake)?;
        let session = tls.get_ref().1;
        let key = identity::peer_fingerprint(session.peer_certificates()).ok_or(AcceptError::NoKey)?;
        if session.alpn_protocol() == Some(identity::ALPN_DATA) {
            return tokio::time::timeout_at(deadline, self.data(tls, &key)).await.map_err(within)?;
        }
        let pending =
            tokio::time::timeout_at(deadline, self.control(tls, key, remote)).await.map_err(within)??;
        // The gateway ends: nobody is there to decide.
        let _undelivered = self.nodes.send(pending).await;
        Ok(())
    }

    /// Where a connection lives: on the shard that accepted it, else on each in turn.
    fn home(&self) -> Shard {
        self.shards.current().unwrap_or_else(|| self.shards.next()).clone()
    }

    async fn control(
        &self,
        tls: TlsStream<impl ByteStream + 'static>,
        key: Fingerprint,
        remote: SocketAddr,
    ) -> Result<Pending, AcceptError> {
        let (reader, writer) = tokio::io::split(tls);
        let mut control = ControlHalves { reader: Box::new(reader), writer: Box::new(writer) };
        let hello = Pending::read_hello(&mut control).await?;
        let home = self.home();
        let tunnel_id = TraceId::random().to_string();
        let pool = Pool::new();
        let registration = self.tunnels.register(&tunnel_id, &key, &pool);
        let tending = AbortOnDropHandle::new(home.spawn(tend(Arc::downgrade(&pool))));
        let carrier = crate::carrier::Carrier::Tls(Carrier::Gateway { pool, registration, tending });
        Ok(Pending { hello, key, remote, transport: Transport::Tls, tunnel_id, home, carrier, control })
    }

    async fn data(
        &self,
        mut tls: TlsStream<impl ByteStream + 'static>,
        key: &Fingerprint,
    ) -> Result<(), AcceptError> {
        let hello: DataHello = control::read(&mut tls).await?;
        let Some(pool) = self.tunnels.find(&hello.tunnel_id, key) else {
            return refuse(tls, AcceptError::UnknownTunnel).await;
        };
        if !pool.links().has_room() {
            return refuse(tls, AcceptError::Full).await;
        }
        control::write(&mut tls, &DataAnswer::Welcome).await?;
        let (socket, session) = tls.into_inner();
        let secrets = Secrets::export(&session)?;
        let home = self.home();
        let socket = Box::new(socket).move_to(&home)?;
        let link = Link::new(home, socket, (&secrets.acceptor, &secrets.dialler), &pool);
        link.hear_ready().await?;
        if pool.add(link) { Ok(()) } else { Err(AcceptError::Full) }
    }
}

pub(super) async fn refuse(
    mut tls: TlsStream<impl AsyncRead + AsyncWrite + Unpin>,
    error: AcceptError,
) -> Result<(), AcceptError> {
    control::write(&mut tls, &DataAnswer::Refused { reason: error.to_string() }).await?;
    Err(error)
}

async fn tend(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(TEND).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.tend();
    }
}

fn server_config(
    identity: &ServerIdentity,
    tickets: &Arc<dyn ProducesTickets>,
) -> Result<Arc<ServerConfig>, IdentityError> {
    let mut config = identity::gateway_config(identity, &[identity::ALPN_TUNNEL, identity::ALPN_DATA])?;
    // Tickets keep the sessions at the nodes. Each handshake uses one up and brings two, so that a burst resumes too.
    config.ticketer = tickets.clone();
    Ok(Arc::new(config))
}
