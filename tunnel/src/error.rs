//! What can go wrong, an enum for each act; and why a tunnel closed.

use std::net::SocketAddr;
use std::time::Duration;

use crate::handshake::Refusal;
use crate::wire::control::ControlError;
use crate::wire::{Status, WireError};

/// Why a node could not dial its gateway.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("cannot make a UDP socket: {0}")]
    Socket(#[source] std::io::Error),
    #[error("cannot connect to {0}: {1}")]
    Connect(SocketAddr, #[source] std::io::Error),
    #[error("no QUIC answer from {0}: {1}; is UDP open on the way?")]
    Quic(SocketAddr, String),
    #[error("the TLS handshake with {0} failed: {1}; does `ca` in gateway.json belong to this gateway?")]
    Tls(SocketAddr, String),
    #[error("`{0}` is not a host name or an address")]
    Name(String),
    #[error("no answer from {0} within {1:?}")]
    Timeout(SocketAddr, Duration),
    #[error("the gateway broke off: {0}")]
    Control(#[from] ControlError),
    #[error("the gateway refused: {0}")]
    Refused(Refusal),
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityError),
}

/// Why a stream could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the tunnel is closed: {0}")]
    Closed(Close),
    #[error("the other side grants no more streams now")]
    NoCredit,
    #[error("no data connection came free within {0:?}")]
    Timeout(Duration),
    #[error("the stream broke at once: {0}")]
    Stream(#[from] StreamError),
}

/// Why a stream ended before its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StreamError {
    #[error("reset by the other side, code {0}")]
    Reset(u32),
    #[error("the tunnel is lost: {0}")]
    Lost(Close),
    #[error("the tunnel was lost, and the stream could not go on over another one: {0}")]
    NotResumed(&'static str),
    #[error("this direction has ended already")]
    Ended,
    #[error("the answer is not understood: {0}")]
    BadAnswer(String),
    #[error("refused ({status:?}): {reason}")]
    Refused { status: Status, reason: String },
    #[error("the stream ended before its answer")]
    NoAnswer,
}

impl From<StreamError> for std::io::Error {
    fn from(error: StreamError) -> Self {
        let kind = match error {
            StreamError::Reset(_) => std::io::ErrorKind::ConnectionReset,
            StreamError::Lost(_) | StreamError::NotResumed(_) => std::io::ErrorKind::ConnectionAborted,
            _ => std::io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Why the first bytes of an incoming stream are no preamble.
#[derive(Debug, thiserror::Error)]
pub enum PreambleError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("the preamble repeats the id of a stream that is open")]
    Repeated,
    #[error("the stream ended inside its preamble")]
    Ended,
    #[error("no preamble within {0:?}")]
    Timeout(Duration),
}

/// Codes that a closed tunnel carries to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CloseCode {
    /// Done, in order.
    Done = 0,
    /// The hello was not accepted, or not understood.
    Refused = 1,
    /// A newer start of the same node took over.
    Displaced = 2,
    Revoked = 3,
    /// The process ends.
    Shutdown = 4,
    /// The other side was silent for too long.
    Silent = 5,
    /// The other side broke the protocol.
    Protocol = 6,
    /// The network lost the connection.
    Lost = 7,
    /// The other side has no memory of the tunnel: it was restarted, or gave it up and we did not hear of it.
    Forgotten = 8,
    /// The dialler needs it no more, and saw no stream on it; one may have been on its way.
    Released = 9,
}

impl CloseCode {
    /// Whether streams may go on over another tunnel: nobody meant to end them.
    pub fn is_survivable(self) -> bool {
        matches!(self, Self::Silent | Self::Lost | Self::Forgotten | Self::Released)
    }

    pub fn from_u64(code: u64) -> Self {
        match code {
            0 => Self::Done,
            1 => Self::Refused,
            2 => Self::Displaced,
            3 => Self::Revoked,
            4 => Self::Shutdown,
            5 => Self::Silent,
            6 => Self::Protocol,
            8 => Self::Forgotten,
            9 => Self::Released,
            _ => Self::Lost,
        }
    }
}

/// Why a tunnel closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: CloseCode,
    pub reason: String,
    /// Whether the other side said so, rather than we.
    pub remote: bool,
}

impl Close {
    pub fn local(code: CloseCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), remote: false }
    }

    pub fn remote(code: CloseCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), remote: true }
    }
}

impl std::fmt::Display for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} ({:?}, by {})",
            self.reason,
            self.code,
            if self.remote { "the other side" } else { "us" }
        )
    }
}
