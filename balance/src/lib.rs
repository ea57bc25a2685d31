//! Load balancing: which server a new session, or a login, goes to.
//!
//! An administrator's functions in JavaScript decide, one after the other ([`chain`]). They never run in this process:
//! a worker, confined so that it can do nothing but compute, forks a runner for each call and kills it at its deadline
//! ([`worker`], [`pool`]). Scripts choose, they never act: what comes back is a server's id or a list of them, and
//! only ids that were offered count.

pub mod chain;
pub mod engine;
pub mod function;
mod hypot;
pub mod journal;
pub mod nesting;
pub mod offer;
pub mod plan;
pub mod pool;
pub mod prefilter;
pub mod request;
pub mod shipped;
pub mod simulate;
pub mod text;
pub mod wire;
pub mod worker;

pub use chain::{Chain, Decision, Outcome, Refused, Step, Trace};
pub use engine::{Call, Engine, Ran, Returned, Stop};
pub use function::Function;
pub use journal::Journal;
pub use offer::{Offered, Server};
pub use plan::Plan;
pub use pool::{Options, Workers};
pub use prefilter::Prefilter;
pub use request::{Action, Moment, Request};
