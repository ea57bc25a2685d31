//! A node lets its peers in.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::ServerConfig;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::identity::{self, Fingerprint, IdentityError, NodeKey};
use crate::limits;
use crate::network::{ByteListener, ByteStream};
use crate::shard::Shards;
use crate::stream::{OpenStream, Stream};
use crate::tls::accept::{AcceptError, refuse};
use crate::tls::halves;
use crate::tls::hello::{DataAnswer, DataHello, Secrets};
use crate::tls::link::Link;
use crate::tls::links::Stock;
use crate::tls::serving::{self, Begun, Serving};
use crate::tunnel::Incoming;
use crate::wire::control;

/// Handshakes at one time; a LAN has few peers.
const HANDSHAKES: usize = 64;

/// Why a node cannot listen for its peers.
#[derive(Debug, thiserror::Error)]
pub enum LanError {
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, #[source] std::io::Error),
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

type Allowed = Box<dyn Fn(&Fingerprint) -> bool + Send + Sync>;

/// Accepts streams of peers. Dropped, it closes all of them.
#[derive(Debug)]
pub struct LanListener {
    address: SocketAddr,
    begun: Begun,
    peers: Arc<Peers>,
    streams: Arc<AtomicUsize>,
    _accepting: AbortOnDropHandle<()>,
}

impl LanListener {
    /// Lets in who shows a key that is `allowed`, which is asked at every connection and by [`Self::recheck`].
    pub async fn bind(
        address: SocketAddr,
        key: &NodeKey,
        shards: &Shards,
        allowed: impl Fn(&Fingerprint) -> bool + Send + Sync + 'static,
    ) -> Result<Self, LanError> {
        let mut config = identity::lan_config(key)?;
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(IdentityError::from)?;
        let failed = |error| LanError::Bind(address, error);
        let listener = shards.get(0).network().listen(address).map_err(failed)?;
        let address = listener.address().map_err(failed)?;
        let (sender, begun) = serving::channel();
        let peers = Arc::new(Peers {
            allowed: Box::new(allowed),
            known: Mutex::default(),
            begun: sender,
            shards: shards.clone(),
        });
        let accepting = tokio::spawn(accept_loop(listener, Arc::new(config), peers.clone()));
        Ok(Self {
            address,
            begun,
            peers,
            streams: Arc::default(),
            _accepting: AbortOnDropHandle::new(accepting),
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next stream that a peer opens. For one task at a time.
    pub async fn accept(&self) -> Incoming {
        let (send, recv) = halves::begin(&self.begun.next().await);
        Incoming::on_lan(Stream::new(send, recv, OpenStream::count(&self.streams)))
    }

    /// Cuts off peers that are not allowed any more.
    pub fn recheck(&self) {
        self.peers.known().retain(|key, serving| {
            let allowed = (self.peers.allowed)(key);
            if !allowed {
                serving.links().close();
            }
            allowed
        });
    }
}

impl Drop for LanListener {
    fn drop(&mut self) {
        self.peers.known().drain().for_each(|(_, serving)| serving.links().close());
    }
}

/// Who may come in, and the links of who came.
struct Peers {
    allowed: Allowed,
    known: Mutex<HashMap<Fingerprint, Arc<Serving>>>,
    begun: mpsc::Sender<Arc<Link>>,
    shards: Shards,
}

impl Peers {
    fn known(&self) -> MutexGuard<'_, HashMap<Fingerprint, Arc<Serving>>> {
        self.known.lock().expect("no panic while held")
    }

    async fn welcome(
        &self,
        socket: Box<dyn ByteStream>,
        config: Arc<ServerConfig>,
    ) -> Result<(), AcceptError> {
        socket.tune()?;
        let mut tls = TlsAcceptor::from(config).accept(socket).await.map_err(AcceptError::Handshake)?;
        let key =
            identity::peer_fingerprint(tls.get_ref().1.peer_certificates()).ok_or(AcceptError::NoKey)?;
        let _hello: DataHello = control::read(&mut tls).await?;
        if !(self.allowed)(&key) {
            return refuse(tls, AcceptError::NotAllowed(key)).await;
        }
        let serving =
            self.known().entry(key.clone()).or_insert_with(|| Serving::new(self.begun.clone())).clone();
        if !serving.links().has_room() {
            return refuse(tls, AcceptError::Full).await;
        }
        control::write(&mut tls, &DataAnswer::Welcome).await?;
        let (socket, session) = tls.into_inner();
        let secrets = Secrets::export(&session)?;
        let home = self.shards.next().clone();
        let socket = socket.move_to(&home)?;
        let link = Link::new(home, socket, (&secrets.acceptor, &secrets.dialler), &serving);
        link.hear_ready().await?;
        if !serving.add(link) {
            return Err(AcceptError::Full);
        }
        if !(self.allowed)(&key) {
            // Forbidden during the handshake: a recheck that came before the link was added has not seen it.
            serving.links().close();
            return Err(AcceptError::NotAllowed(key));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.known().iter()).finish()
    }
}

async fn accept_loop(listener: Box<dyn ByteListener>, config: Arc<ServerConfig>, peers: Arc<Peers>) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let place = handshakes.clone().acquire_owned().await.expect("never closed");
        while tasks.try_join_next().is_some() {}
        let (socket, remote) = match poll_fn(|cx| listener.poll_accept(cx)).await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: some must be closed first.
                tracing::warn!(%error, "cannot accept on the LAN");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let (peers, config) = (peers.clone(), config.clone());
        tasks.spawn(async move {
            let _place = place;
            match tokio::time::timeout(limits::HANDSHAKE, peers.welcome(socket, config)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%remote, %error, "a connection from the LAN failed"),
                Err(_) => tracing::debug!(%remote, "a handshake from the LAN took too long"),
            }
        });
    }
}
