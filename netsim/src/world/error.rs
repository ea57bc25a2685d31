//! Why a plan does not run.

use config::ConfigError;
use tunnel::identity::{BadServerId, IdentityError};
use tunnel::quic::ListenError;

/// Why a plan does not run: something on this machine, never something in the plan's network.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot keep the hosts' files: {0}")]
    Io(#[from] std::io::Error),
    #[error("cannot keep the hosts' files: {0}")]
    File(#[from] ConfigError),
    #[error("a simulated host has no key: {0}")]
    Identity(#[from] IdentityError),
    #[error("a simulated gateway does not listen: {0}")]
    Listen(#[from] ListenError),
    #[error("a simulated node does not start: {0}")]
    Node(#[from] node::StartError),
    #[error("a host's name is no server id: {0}; next: write another `name`")]
    Name(#[from] BadServerId),
    #[error(
        "people can ask for the first 55,000 hosts of a plan only; next: move the nodes they ask for to its beginning"
    )]
    TooManyHosts,
}
