//! The QUIC carrier, on quinn. Nothing outside this folder, but for the trait of its sockets in
//! [`network`](crate::network), names quinn.

mod carrier;
mod congestion;
mod dial;
mod listen;
mod settings;
pub(crate) mod socket;
pub(crate) mod steer;

pub(crate) use carrier::{Carrier, Recv, Send};
pub use dial::{Probed, dial, probe};
pub use listen::{ListenError, Listener};
pub use socket::BufferSizes;
