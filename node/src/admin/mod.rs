//! HTTP for the person on this machine, on a unix socket and never on a network: `node.sock`, and `manager.sock` of a
//! process that is a manager alone.
//!
//! What can be asked is a router, put together by the program: each subject has a file here with its routes. The command
//! line asks nothing but these sockets.

mod asker;
pub mod config;
pub mod plane;
mod problem;
pub mod servers;
mod socket;

pub use asker::{Asker, Peer, Person};
pub use problem::{Failed, Problem};
pub use socket::AdminSocket;
