//! One direction of a network path: what happens to a packet that enters it at a time.
//!
//! ```text
//! offered ─▶ MTU ─▶ queue ─▶ sent at the rate ─▶ delay + jitter ─▶ lost? held back? twice? damaged? ─▶ arrives
//! ```
//! A path with two directions is two links; an asymmetric one has two [`Model`]s.

mod fate;
mod jitter;
mod loss;
mod model;
mod mtu;
mod queue;
mod sender;
mod units;

pub use fate::{Arrival, Fate, Reason};
pub use loss::{Burst, Loss};
pub use model::{Model, Reorder};
pub use mtu::Mtu;
pub use queue::{Backlog, Queue};
pub use sender::Link;
pub use units::{Rate, Share, Size};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
