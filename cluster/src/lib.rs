//! What the members of a cluster say to each other, and how: names and subjects, broker.json, the transporter, and the
//! store as a member sees it; and the objects that they speak of, server and session.

pub mod admission;
pub mod broker;
pub mod fleet;
pub mod heard;
pub mod membership;
mod name;
pub mod plane;
mod secret;
pub mod server;
pub mod session;
pub mod settings;
pub mod store;
pub mod subject;
pub mod transporter;

pub use broker::Broker;
pub use name::{BadName, Name};
pub use plane::{ControlPlane, Role};
pub use secret::Secret;
pub use subject::{Pattern, Subject, Subjects};
