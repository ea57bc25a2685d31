//! A compute node: what it can run and show, and its way out through gateways.
//!
//! The node dials; nothing needs to reach it. A stream that a gateway opens meets the modules in this order:
//!
//! ```text
//! settings   gateway.json, services.json, lan.json      local    server-id, key, count of starts
//! link       keeps tunnels to one gateway                serve    takes streams off a tunnel
//! table      which service, or which peer                upstream connect, answer, pump
//! lan        nodes next to this one                     nearby   what both files name, for `fastx doctor`
//! admin      the socket that the command line asks        status   what `fastx status` shows
//! session    sessions, which outlive this process         member   what the cluster hears of this server
//! ```

pub mod admin;
mod client_header;
mod core;
pub mod gateways;
mod lan;
mod link;
mod local;
mod me;
mod member;
pub mod nearby;
mod node;
mod serve;
mod services;
pub mod session;
mod settings;
pub mod status;
mod table;
mod upstream;

pub use local::{Identity, LocalError};
pub use member::Member;
pub use node::{Node, Options, ReloadError, StartError};
pub use services::PORTAL;
pub use table::Handler;
