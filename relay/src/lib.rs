//! A client's way to a session: the gateway between people who come in and nodes that only dial out.
//!
//! The modules stand in the order in which a connection meets them:
//!
//! ```text
//! gateway     what is started, and how it ends     settings    what an administrator decided
//! listen      ports, a socket for each shard       accept      many connections at a time
//! guard       who may connect                      proxied     the client that a load balancer names
//! service     a port that leads through tunnels    plain       a port that leads to an address
//! route       which server, and which way          registry    which nodes are connected (pure)
//! router      open, answer, try another way        nodes       the registry, live
//! early       the client's first bytes             retry       what may be tried again
//! splice      bytes between two sockets            pipes       through the kernel
//! arrivals    nodes that said hello                admission   who may register, remembered on disk
//! web         clients over HTTPS                   keys        what the gateway shows and keeps
//! metrics     what is counted                      collector   what is looked up
//! admin       HTTP for administrators              report      what it says
//! ```

mod accept;
pub mod admin;
pub mod admission;
pub mod arrivals;
mod attempts;
mod collector;
mod early;
pub mod error;
pub mod gateway;
pub mod guard;
pub mod keys;
pub mod listen;
pub mod metrics;
pub mod nodes;
mod pipes;
mod plain;
mod ports;
pub mod proxied;
pub mod registry;
pub mod report;
mod retry;
pub mod route;
pub mod router;
mod service;
pub mod settings;
mod splice;
pub mod web;

pub use error::RouteError;
pub use gateway::Gateway;
pub use guard::{Guard, Handshake, Permit, Turned};
pub use metrics::Metrics;
pub use route::Want;
pub use router::{Opened, Router};
pub use settings::Settings;
