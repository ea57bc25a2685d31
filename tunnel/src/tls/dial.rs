//! A node dials a gateway over TLS, and keeps data connections ready for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;

use super::carrier::Carrier;
use super::demand;
use super::hello::{DataAnswer, DataHello, Secrets};
use super::link::{Link, Owner};
use super::serving::Serving;
use super::socket;
use crate::error::DialError;
use crate::handshake;
use crate::identity::{self, NodeKey, Trust};
use crate::limits;
use crate::shard::Shard;
use crate::tunnel::{self, ControlHalves, Role, Tunnel};
use crate::wire::control::{self, Hello};

/// Data connections in their handshake at one time; more would only wait for the processor.
const AT_ONCE: usize = 16;
/// Pause after a failed dial; it doubles with every further one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(5);
/// Wishes of the gateway that wait to be read.
const WISHES: usize = 16;

/// Dials `peer` and says hello. Runs on, and the tunnel and its data connections live on, `home`.
///
/// `name` is what the gateway's certificate must be for. `stripe` numbers the tunnels of one node to one gateway; here
/// the gateway spreads the data connections as they come, so nothing depends on it.
pub async fn dial(
    peer: SocketAddr,
    name: &str,
    trust: &Trust,
    key: &NodeKey,
    hello: &Hello,
    _stripe: usize,
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
    let mut tls = target.connect().await?;
    let welcome = handshake::introduce(&mut tls, hello, target.peer).await?;
    let (reader, writer) = tokio::io::split(tls);
    let control = ControlHalves { reader: Box::new(reader), writer: Box::new(writer) };
    let serving = Serving::new();
    let (more, wishes) = mpsc::channel(WISHES);
    let refill = Refill { target: data, tunnel_id: welcome.tunnel_id.clone(), home: home.clone() };
    let dialling = AbortOnDropHandle::new(home.spawn(keep(Arc::new(refill), serving.clone(), wishes)));
    let carrier = tunnel::Carrier::Tls(Carrier::Node { serving, more, dialling });
    Ok(Tunnel::start(welcome.tunnel_id, Role::Dialler, home, target.peer, carrier, control))
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
    async fn connect(&self) -> Result<TlsStream<TcpStream>, DialError> {
        let connecting = async {
            let broken = |error| DialError::Connect(self.peer, error);
            let socket = TcpStream::connect(self.peer).await.map_err(broken)?;
            socket::tune(&socket).map_err(broken)?;
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
        home: &Shard,
        id: u64,
        owner: Owner,
    ) -> Result<Arc<Link>, DialError> {
        let mut tls = self.connect().await?;
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
        let socket = socket::move_to(home, socket).map_err(broken)?;
        let link = Link::new(id, home.clone(), socket, (&secrets.dialler, &secrets.acceptor), owner);
        link.say_ready().await.map_err(broken)?;
        Ok(link)
    }
}

/// What the data connections of one tunnel have in common.
struct Refill {
    target: Target,
    tunnel_id: String,
    home: Shard,
}

/// Dials as many data connections as the gateway wishes, and keeps [`demand::START`] in any case.
async fn keep(refill: Arc<Refill>, serving: Arc<Serving>, mut wishes: mpsc::Receiver<u16>) {
    let mut dials: JoinSet<Result<(), DialError>> = JoinSet::new();
    let mut wanted = 0;
    let mut pause = Duration::ZERO;
    let mut again = Instant::now();
    loop {
        wanted = demand::START.saturating_sub(serving.links().count() + dials.len()).max(wanted);
        while pause.is_zero() && wanted > 0 && dials.len() < AT_ONCE {
            wanted -= 1;
            dials.spawn(one_more(refill.clone(), serving.clone()));
        }
        tokio::select! {
            biased;
            Some(dialled) = dials.join_next() => match dialled {
                Ok(Err(error)) => {
                    tracing::debug!(peer = %refill.target.peer, %error, "no data connection");
                    wanted += 1;
                    pause = longer(pause);
                    again = Instant::now() + pause;
                }
                _ => pause = Duration::ZERO,
            },
            wish = wishes.recv() => match wish {
                Some(count) => wanted = (wanted + usize::from(count)).min(demand::MOST),
                None => return,
            },
            () = serving.lost() => {}
            () = tokio::time::sleep_until(again), if !pause.is_zero() && dials.is_empty() => {
                wanted -= 1;
                dials.spawn(one_more(refill.clone(), serving.clone()));
            }
        }
    }
}

async fn one_more(refill: Arc<Refill>, serving: Arc<Serving>) -> Result<(), DialError> {
    let id = serving.links().next_id();
    let link = refill.target.link(&refill.tunnel_id, &refill.home, id, serving.owner()).await?;
    serving.add(link);
    Ok(())
}

fn longer(pause: Duration) -> Duration {
    // Jitter of a quarter, so that nodes that lost the same gateway do not come in step.
    let next = (pause * 2).clamp(PAUSE_FIRST, PAUSE_MOST);
    next.mul_f64(rand::random_range(0.75..1.25))
}
