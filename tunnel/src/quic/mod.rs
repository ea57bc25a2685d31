//! The QUIC carrier, on quinn. Nothing outside this folder names quinn.

mod carrier;
mod dial;
mod listen;
mod settings;
mod socket;
mod steer;

pub(crate) use carrier::{Carrier, Recv, Send};
pub use dial::dial;
pub use listen::{ListenError, Listener};
pub use socket::BufferSizes;
