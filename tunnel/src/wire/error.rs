//! What is wrong with bytes from a peer.

use super::preamble::{MAX_PREAMBLE, VERSION};

/// Why bytes from a peer are not a preamble or an answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WireError {
    #[error("version {0} is not spoken here (this build speaks {VERSION}); upgrade the older side")]
    Version(u8),
    #[error("length {0} is over the limit of {MAX_PREAMBLE} bytes")]
    TooLong(usize),
    #[error("the message ends before its {0}")]
    Truncated(&'static str),
    #[error("the {0} is not valid")]
    Malformed(&'static str),
}
