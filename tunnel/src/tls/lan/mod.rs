//! Streams between two nodes on a LAN: data connections without a tunnel; each side proves its key.

mod dial;
mod listen;

pub use dial::{LanDialer, LanOpenError};
pub use listen::{LanError, LanListener};
