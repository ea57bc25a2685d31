//! Tunnels on real sockets: what both carriers promise, and what each adds.

mod both;
mod lan;
mod lifeline;
mod limits;
mod quic;
mod race;
mod stage;
mod tls;
