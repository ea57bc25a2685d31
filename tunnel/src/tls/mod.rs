//! The TLS-over-TCP carrier, for networks that block UDP.
//!
//! A control connection and a pool of data connections, all dialled by the node; each data connection carries one stream
//! at a time, so no stream waits for another's lost packet. The modules, from the wire upwards:
//!
//! ```text
//! socket     settings of TCP                     pool       the side that begins streams: idle links, who waits
//! record     sealed frames                       demand     how many idle ones are wanted
//! sending, receiving   one direction each        serving    the side that accepts streams
//! link       one data connection                 links      all that are open, to close them at once
//! halves     a stream's two halves               hello      the first exchange
//! accept     the gateway                         dial       the node
//! ```

mod accept;
mod carrier;
mod demand;
mod dial;
mod halves;
mod hello;
mod link;
mod links;
mod pool;
mod receiving;
mod record;
mod sending;
mod serving;
mod socket;

pub use accept::{AcceptError, Acceptor, is_tunnel};
pub(crate) use carrier::{Carrier, Data};
pub use dial::dial;
pub(crate) use halves::{Recv, Send};
