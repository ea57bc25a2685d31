//! How members talk to each other: one trait, and three ways to do it.
//!
//! What every way promises, and `tests/transporter` tries on each of them:
//! - A message reaches every subscriber at most once, in the order one publisher sent it. Nothing is kept for who is not
//!   there: truth is in the store.
//! - A subscriber that missed messages, or may have, is told so ([`Event::Gap`]) and reads the store again.
//! - A request reaches one of those who serve its subject; nobody serving it is an answer ([`RequestError::NoResponders`]),
//!   not a wait.
//! - Nothing waits for a broker that is not there: it fails at once, and [`Link`] says since when and why.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

mod answer;
mod link;
mod local;
mod mailbox;
mod nats;
pub mod probe;
mod redis;
mod registry;
mod subscription;
mod tls;

pub use answer::{Request, Requests};
pub use link::Link;
pub use local::InProcess;
pub(crate) use nats::update_account;
pub use nats::{Nats, NatsError};
pub use redis::{Redis, RedisError};
pub use subscription::Subscription;
pub use tls::TlsError;

use crate::broker::{Broker, Kind};
use crate::subject::{Pattern, Subject};

/// The longest payload. NATS takes 1 MiB by default, headers and our envelope with it.
pub const MAX_PAYLOAD: usize = 512 * 1024;

/// The bus between members.
pub trait Transporter: Send + Sync + std::fmt::Debug {
    /// Sends to all who listen now. `Ok` says that it left, not that anybody heard it.
    fn publish(&self, subject: &Subject, payload: Bytes) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Hears everything published from when this returns; without a link, from when there is one, after a gap.
    fn subscribe(&self, pattern: &Pattern) -> BoxFuture<'_, Subscription>;

    /// Takes requests, together with all others who serve the same subject.
    fn serve(&self, subject: &Subject) -> BoxFuture<'_, Requests>;

    /// Asks one of those who serve `subject`.
    fn request(
        &self,
        subject: &Subject,
        payload: Bytes,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Bytes, RequestError>>;

    /// Whether the broker is reached.
    fn link(&self) -> watch::Receiver<Link>;
}

/// Connects as broker.json says. Returns at once, also while the broker cannot be reached: see [`Transporter::link`].
///
/// # Errors
/// What no later try could mend: a certificate or a key that cannot be read.
pub async fn connect(broker: &Broker) -> Result<std::sync::Arc<dyn Transporter>, ConnectError> {
    Ok(match broker.kind {
        Kind::Nats => std::sync::Arc::new(Nats::connect(broker).await?),
        Kind::Redis => std::sync::Arc::new(Redis::connect(broker)?),
    })
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Nats(#[from] NatsError),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// One message, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub subject: String,
    pub payload: Bytes,
}

/// What a subscription yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Message(Message),
    /// Messages were missed, or may have been: what is known must be read again from its source.
    Gap(Gap),
}

/// Why messages may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// This reader did not keep up.
    TooSlow,
    /// The broker was not reached for a while, or is reached for the first time.
    Reconnected,
}

/// Why a message did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("the broker is not reached")]
    Disconnected,
    #[error("a message of {0} bytes is too long (at most {MAX_PAYLOAD})")]
    TooLong(usize),
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Certainly not done.
    #[error("nobody serves this")]
    NoResponders,
    /// Certainly not done.
    #[error("who serves this has too much to do")]
    Busy,
    /// May have been done.
    #[error("no answer in time")]
    Deadline,
    /// May have been done.
    #[error("the broker is not reached")]
    Disconnected,
    #[error("a message of {0} bytes is too long (at most {MAX_PAYLOAD})")]
    TooLong(usize),
}

impl From<PublishError> for RequestError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Disconnected => Self::Disconnected,
            PublishError::TooLong(bytes) => Self::TooLong(bytes),
        }
    }
}

/// Whether the broker's certificate could be checked with this; says what is wrong.
pub(crate) fn check_trust(trust: &crate::broker::Trust) -> Result<(), String> {
    tls::client_config(trust).map(drop).map_err(|error| error.to_string())
}

/// Refuses what not every way could carry.
fn check_length(payload: &Bytes) -> Result<(), PublishError> {
    if payload.len() > MAX_PAYLOAD { Err(PublishError::TooLong(payload.len())) } else { Ok(()) }
}
