//! Hello, and welcome or refusal: the first exchange on a new tunnel's control stream.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::carrier::Carrier;
use crate::error::{Close, CloseCode, DialError};
use crate::identity::Fingerprint;
use crate::limits;
use crate::shard::Shard;
use crate::tunnel::{ControlHalves, Role, Transport, Tunnel};
use crate::wire::Process;
use crate::wire::control::{self, ControlError, Hello, HelloAnswer, RefusalCode, Welcome};

/// A gateway's no, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    pub code: RefusalCode,
    pub reason: String,
}

/// Dialler's side: sends the hello and waits for the answer.
pub(crate) async fn introduce<S>(io: &mut S, hello: &Hello, peer: SocketAddr) -> Result<Welcome, DialError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let exchange = async {
        control::write(io, hello).await?;
        control::read::<HelloAnswer>(io).await
    };
    let answer = tokio::time::timeout(limits::HANDSHAKE, exchange)
        .await
        .map_err(|_| DialError::Timeout(peer, limits::HANDSHAKE))??;
    match answer {
        HelloAnswer::Welcome(welcome) => Ok(welcome),
        HelloAnswer::Refused { code, reason } => Err(DialError::Refused(Refusal { code, reason })),
    }
}

/// A node that said hello and proved its key; the gateway's registry decides.
#[derive(Debug)]
pub struct Pending {
    pub hello: Hello,
    /// The key that the node proved in the TLS handshake.
    pub key: Fingerprint,
    pub remote: SocketAddr,
    pub transport: Transport,
    /// Names the tunnel if it is admitted.
    pub tunnel_id: String,
    pub(crate) home: Shard,
    pub(crate) carrier: Carrier,
    pub(crate) control: ControlHalves,
}

impl Pending {
    /// Reads the hello from a fresh control stream, within [`limits::HANDSHAKE`].
    pub(crate) async fn read_hello(control: &mut ControlHalves) -> Result<Hello, ControlError> {
        tokio::time::timeout(limits::HANDSHAKE, control::read(&mut control.reader))
            .await
            .map_err(|_| ControlError::Timeout(limits::HANDSHAKE))?
    }

    /// Lets the node in: it learns the gateway's name, and which start of it this is, and the tunnel is open.
    pub async fn admit(mut self, gateway: &str, process: Process) -> Result<Tunnel, ControlError> {
        let welcome = Welcome {
            tunnel_id: self.tunnel_id,
            gateway: gateway.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: Some(process),
        };
        let answer = HelloAnswer::Welcome(welcome.clone());
        control::write(&mut self.control.writer, &answer).await?;
        self.carrier.authenticated();
        Ok(Tunnel::start(welcome, Role::Acceptor, self.home, self.remote, self.carrier, self.control))
    }

    /// Sends the node away, with the reason.
    pub async fn refuse(mut self, refusal: Refusal) {
        let answer = HelloAnswer::Refused { code: refusal.code, reason: refusal.reason.clone() };
        // The node may be gone already; then there is nobody to tell.
        if control::write(&mut self.control.writer, &answer).await.is_ok() {
            let _closed_by_peer = tokio::time::timeout(
                limits::HANDSHAKE,
                control::read::<HelloAnswer>(&mut self.control.reader),
            )
            .await;
        }
        self.carrier.close(&Close::local(CloseCode::Refused, refusal.reason));
    }
}
