//! The TLS-over-TCP carrier, for networks that block UDP.

mod carrier;

pub(crate) use carrier::{Carrier, Data, Recv, Send};
