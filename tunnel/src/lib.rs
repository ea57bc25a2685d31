//! One hop: an authenticated connection between two of our processes that carries many streams.
//!
//! A node dials, a gateway accepts. Two carriers do the same work: QUIC, and TLS over TCP where UDP is blocked; who
//! holds a [`Tunnel`] does not see which. The gateway opens a [`Stream`] for each client, and its first bytes say where
//! it goes ([`wire::preamble`]). The modules stand in the order in which bytes meet them:
//!
//! ```text
//! identity   keys, certificates, ALPN            shard      threads that tunnels live on
//! race       node -> gateway: who gets there     quic, tls  the carriers
//! handshake  hello, welcome or refusal           tunnel     the handle; opening and accepting streams
//! network    the sockets that all of it uses    chance     random numbers
//! wire       preamble and control messages       stream     bytes both ways, half-close, reset
//! lifeline   streams that outlive their tunnel
//! pump       a stream joined to a socket         scratch    the buffers it borrows
//! ```

mod carrier;
pub mod chance;
pub mod error;
pub mod handshake;
pub mod identity;
mod lifeline;
pub mod limits;
pub mod network;
pub mod pump;
pub mod quic;
pub mod race;
pub mod scratch;
pub mod shard;
pub mod stream;
pub mod tls;
pub mod tunnel;
pub mod wire;

pub use error::{Close, CloseCode, DialError, OpenError, StreamError};
pub use handshake::{Pending, Refusal};
pub use identity::{Fingerprint, NodeKey, Secret, ServerId, ServerIdentity, Trust};
pub use lifeline::{Onward, Survivors, Ways};
pub use stream::{RecvHalf, SendHalf, Stream};
pub use tunnel::{Event, Incoming, Slot, Stats, Transport, Tunnel, Way, WayWatch};
pub use wire::{Answer, Life, Preamble, Process, Status, TraceId};
