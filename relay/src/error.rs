//! Why a client did not get its stream. The code is stable: logs, pages and tests match on it.

use std::time::{Duration, SystemTime};

use tunnel::{OpenError, ServerId, Status, StreamError};

/// Why no stream could be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RouteError {
    #[error("no server of the name {server} ever connected to this gateway")]
    NoSuchServer { server: ServerId },
    #[error("server {server} is not connected since {}", stamp(*since))]
    Unreachable { server: ServerId, since: SystemTime },
    #[error("no connected server offers `{service}`")]
    NobodyOffers { service: String },
    #[error("server {server} is being taken out of service")]
    Draining { server: ServerId },
    #[error("this gateway is being taken out of service")]
    GatewayDraining,
    /// The node answered, and said no.
    #[error("server {server} refused: {reason}")]
    Refused { server: ServerId, status: Status, reason: String },
    #[error("the tunnel to server {server} broke: {reason}")]
    Lost { server: ServerId, reason: String },
    #[error("server {server} did not answer within {waited:?}")]
    Deadline { server: ServerId, waited: Duration },
    #[error("the client went away before the server answered")]
    ClientGone,
}

impl RouteError {
    /// Kebab-case and stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchServer { .. } => "no-such-server",
            Self::Unreachable { .. } => "unreachable",
            Self::NobodyOffers { .. } => "nobody-offers",
            Self::Draining { .. } => "draining",
            Self::GatewayDraining => "gateway-draining",
            Self::Refused { status, .. } => match status {
                Status::NoSuchService => "no-such-service",
                Status::NoSuchServer => "no-way",
                Status::Unreachable => "service-unreachable",
                Status::Deadline => "service-deadline",
                Status::Draining => "draining",
                Status::Busy => "busy",
                _ => "refused",
            },
            Self::Lost { .. } => "lost",
            Self::Deadline { .. } => "deadline",
            Self::ClientGone => "client-gone",
        }
    }

    /// The server that was wanted, as far as one was.
    pub fn server(&self) -> Option<&ServerId> {
        match self {
            Self::NoSuchServer { server }
            | Self::Unreachable { server, .. }
            | Self::Draining { server }
            | Self::Refused { server, .. }
            | Self::Lost { server, .. }
            | Self::Deadline { server, .. } => Some(server),
            Self::NobodyOffers { .. } | Self::GatewayDraining | Self::ClientGone => None,
        }
    }
}

/// Why one try on one tunnel failed.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The tunnel fell silent while the answer was waited for.
    #[error("nothing is heard from the node any more")]
    Silent,
    #[error("the client's connection broke: {0}")]
    Client(#[source] std::io::Error),
}

/// RFC 3339, to the second, UTC.
pub fn stamp(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| "long ago".into(), |time| format!("{time:.0}"))
}
