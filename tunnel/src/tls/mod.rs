//! The TLS-over-TCP carrier, for networks that block UDP.
//!
//! A control connection and a pool of data connections, all dialled by the node; each data connection carries one stream
//! at a time, so no stream waits for another's lost packet. The modules, from the wire upwards:
//!
//! ```text
//! socket       settings of TCP                   pool       the side that begins streams: idle links, who waits
//! keys, record sealed frames                     demand     how many idle ones are wanted
//! link         one data connection               serving    the side that accepts streams
//! halves       a stream's two halves             links      all that are open, to close them at once
//! hello        the first exchange                refill     dials what is missing
//! accept       the gateway                       tunnels    which tunnels are open there
//! dial         the node                          lan        two nodes without a gateway
//! ```

mod accept;
mod carrier;
mod demand;
mod dial;
mod halves;
mod hello;
mod keys;
pub mod lan;
mod link;
mod links;
mod pool;
pub mod record;
mod refill;
mod serving;
mod tunnels;

pub use accept::{AcceptError, Acceptor, is_tunnel};
pub(crate) use carrier::{Carrier, Data};
pub use dial::dial;
pub(crate) use halves::{Recv, Send};
