//! A node dials a gateway over TLS, and keeps data connections ready for it.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;

use super::carrier::Carrier;
use super::hello::{DataAnswer, DataHello, Secrets};
use super::link::Link;
use super::links::Stock;
use super::refill::{self, Refill};
use super::serving::{self, Serving};
use crate::error::DialError;
use crate::handshake;
use crate::identity::{self, NodeKey, Trust};
use crate::limits;
use crate::network::ByteStream;
use crate::shard::Shard;
use crate::tunnel::{ControlHalves, Role, Tunnel};
use crate::wire::control::{self, Hello};

/// Dials `peer` and says hello. Runs on, and the tunnel and its data connections live on, `home`.
///
/// `name` is what the gateway's certificate must be for. The gateway spreads the data connections over its shards as they
/// come.
pub async fn dial(
    peer: SocketAddr,
    name: &str,
    trust: &Trust,
    key: &NodeKey,
    hello: &Hello,
    home: &Shard,
) -> Result<Tunnel, DialError> {
    let target = Target::new(peer, name, trust, key, identity::ALPN_TUNNEL)?;
    let data = Target::new(peer, name, trust, key, identity::ALPN_DATA)?;
    let (hello, on) = (hello.clone(), home.clone());
    home.spawn(async move { dial_here(&target, data, &hello, on).await })
        .await
        .map_err(|stopped| DialError::Tls(peer, stopped.to_string()))?
}

async fn dial_here(target: &Target, data: Target, hello: &Hello, home: Shard) -> Result<Tunnel, DialError> {
    let mut tls = target.connect(&home).await?;
    let welcome = handshake::introduce(&mut tls, hello, target.peer).await?;
    let (reader, writer) = tokio::io::split(tls);
    let control = ControlHalves { reader: Box::new(reader), writer: Box::new(writer) };
    let (sender, begun) = serving::channel();
    let serving = Serving::new(sender);
    let (more, wishes) = mpsc::channel(refill::WISHES);
    let on = home.clone();
    let refill = Refill {
        target: data,
        tunnel_id: welcome.tunnel_id.clone(),
        home: Box::new(move || on.clone()),
        failed: watch::Sender::new(String::new()),
    };
    let dialling = AbortOnDropHandle::new(home.spawn(refill::keep(refill, serving.clone(), wishes)));
    let carrier = crate::carrier::Carrier::Tls(Carrier::Node { serving, begun, more, dialling });
    Ok(Tunnel::start(welcome, Role::Dialler, home, target.peer, carrier, control))
}

/// Where to dial, and how; one for all data connections of a tunnel, so that they resume its session.
pub(super) struct Target {
    pub(super) peer: SocketAddr,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl Target {
    pub(super) fn new(
        peer: SocketAddr,
        name: &str,
        trust: &Trust,
        key: &NodeKey,
        alpn: &[u8],
    ) -> Result<Self, DialError> {
        let config = Arc::new(identity::client_config(key, trust, alpn)?);
        let name = ServerName::try_from(name.to_owned()).map_err(|_| DialError::Name(name.to_owned()))?;
        Ok(Self { peer, name, config })
    }

    /// Connects and makes the handshake, within [`limits::HANDSHAKE`].
    async fn connect(&self, home: &Shard) -> Result<TlsStream<Box<dyn ByteStream>>, DialError> {
        let connecting = async {
            let broken = |error| DialError::Connect(self.peer, error);
            let socket = home.network().connect(self.peer).await.map_err(broken)?;
            socket.tune().map_err(broken)?;
            TlsConnector::from(self.config.clone())
                .connect(self.name.clone(), socket)
                .await
                .map_err(|error| DialError::Tls(self.peer, error.to_string()))
        };
        tokio::time::timeout(limits::HANDSHAKE, connecting)
            .await
            .map_err(|_| DialError::Timeout(self.peer, limits::HANDSHAKE))?
    }

    /// Dials a data connection, up to the point where it may carry streams.
    pub(super) async fn link(
        &self,
        tunnel_id: &str,
        home: Shard,
        stock: &Arc<impl Stock + 'static>,
    ) -> Result<Arc<Link>, DialError> {
        let mut tls = self.connect(&home).await?;
        let exchange = async {
            control::write(&mut tls, &DataHello { tunnel_id: tunnel_id.to_owned() }).await?;
            control::read::<DataAnswer>(&mut tls).await
        };
        let answer = tokio::time::timeout(limits::HANDSHAKE, exchange)
            .await
            .map_err(|_| DialError::Timeout(self.peer, limits::HANDSHAKE))??;
        if let DataAnswer::Refused { reason } = answer {
            return Err(DialError::Tls(self.peer, reason));
        }
        let broken = |error| DialError::Connect(self.peer, error);
        let (socket, session) = tls.into_inner();
        let secrets = Secrets::export(&session).map_err(|e| DialError::Tls(self.peer, e.to_string()))?;
        let socket = socket.move_to(&home).map_err(broken)?;
        let link = Link::new(home, socket, (&secrets.dialler, &secrets.acceptor), stock);
        link.say_ready().await.map_err(broken)?;
        Ok(link)
    }
}
