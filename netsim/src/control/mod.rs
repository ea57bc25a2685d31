//! The shipped control plane over a broker and a store in memory: for plans with a `[control]`, and for `tests/plane`.
//!
//! ```text
//! bus, lane, asked   the broker, and each member's way to it
//! store              the documents, shared by all managers
//! host               a member's process, and a manager's
//! ledger             what an observer sees, for the outcome
//! ```

mod asked;
mod bus;
mod host;
mod lane;
mod ledger;
mod store;

pub use bus::{Bus, NOTICE, Port};
pub use host::{Keeper, Member, plane};
pub use ledger::Ledger;
pub use store::Memory;
