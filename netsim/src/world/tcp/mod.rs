//! A simple TCP over the simulated network, for the TLS carrier and for people's connections: handshake, sliding window,
//! selective acknowledgements, fast retransmission, Reno's congestion window, timeouts, half-close, reset.
//!
//! It is what a careful textbook would write, not the kernel's: no delayed acknowledgements, no Cubic, no SYN cookies.

mod connection;
mod end;
mod listener;
mod receiving;
mod segment;
mod sending;
mod socket;

pub(crate) use connection::{Connection, receive};
pub(crate) use listener::{Listener, Listening};
pub(crate) use segment::Segment;
pub(crate) use socket::Socket;
