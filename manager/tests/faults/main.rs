//! What happens to brokers and databases while a cluster works, and what its members see of it. A checker goes through
//! the history of every write: none that was acknowledged is lost, and no stale one wins.
//!
//! `FAULT_SECONDS=60` makes stops and partitions that long (`make nightly`); else they take 2 s.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../../../cluster/tests/servers/mod.rs"]
mod servers;

#[path = "../store/mongod.rs"]
mod mongod;

mod brokers;
mod databases;
mod garbage;
mod history;
mod partition;
mod revoked;
mod stage;
mod updates;

use std::time::Duration;

/// How long something stands still or is cut off.
fn fault() -> Duration {
    let seconds = std::env::var("FAULT_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(2))
}
