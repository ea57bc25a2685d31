//! A client's way to a session: the gateway between people who come in and nodes that only dial out.
//!
//! The modules stand in the order in which a connection meets them:
//!
//! ```text
//! settings    what an administrator decided        guard     who may connect
//! route       which server, and which way          registry  which nodes are connected (pure)
//! router      open, answer, try another way        nodes     the registry, live
//! retry       what may be tried again              error     why there is no stream
//! tunnel_port nodes that come in over TCP          metrics   what is counted
//! ```

pub mod admission;
mod attempts;
pub mod error;
pub mod guard;
pub mod metrics;
pub mod nodes;
pub mod registry;
mod retry;
pub mod route;
pub mod router;
pub mod settings;
pub mod tunnel_port;

pub use error::RouteError;
pub use guard::{Guard, Handshake, Permit, Turned};
pub use metrics::Metrics;
pub use route::Want;
pub use router::{Opened, Router};
pub use settings::Settings;
pub use tunnel_port::TunnelPort;
