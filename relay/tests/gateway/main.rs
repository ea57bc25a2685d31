//! A whole gateway and nodes that dial it, in one process, over real sockets.

mod admin;
mod draining;
mod joining;
mod ports;
mod stage;
