//! The QUIC carrier, on quinn. Nothing outside this folder, but for the trait of its sockets in
//! [`network`](crate::network), names quinn.

mod carrier;
mod congestion;
mod dial;
mod lanes;
mod listen;
mod recv;
mod send;
mod settings;
pub(crate) mod socket;
pub(crate) mod steer;

pub(crate) use carrier::Carrier;
pub use dial::{Probed, dial, probe};
pub use listen::{ListenError, Listener};
pub(crate) use recv::Recv;
pub(crate) use send::Send;
pub use socket::BufferSizes;
