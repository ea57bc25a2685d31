//! The gateway's web side, from a client's TCP connection to an HTTP server on a node, over real QUIC tunnels.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod authority;
mod curl;
mod flight;
mod frames;
mod hostile;
mod life;
mod named;
mod often;
mod origin;
mod raw;
mod routing;
mod stage;
mod streams;
mod upgrades;
