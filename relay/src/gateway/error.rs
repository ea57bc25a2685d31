//! Why a gateway does not start, or does not take a configuration.

use config::ConfigError;
use tunnel::quic;

use crate::admin::AdminError;
use crate::keys::KeysError;
use crate::listen::BindError;
use crate::web::certificates::CertificateError;
use crate::web::front::FrontError;

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Quic(#[from] quic::ListenError),
    #[error(transparent)]
    Web(#[from] FrontError),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("cannot start threads: {0}")]
    Threads(#[source] std::io::Error),
}

impl StartError {
    /// Whether starting again can only help after somebody changed the configuration.
    pub fn is_config(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Keys(_) | Self::Web(FrontError::Certificate(_)))
    }
}

/// Why a configuration was not taken; the old one stays.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Quic(#[from] quic::ListenError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("`{0}` changes only with a restart")]
    NeedsRestart(&'static str),
}
