//! The store's contract, tried on every back end with real servers; and what disks and databases do to it.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../../../cluster/tests/servers/mod.rs"]
mod servers;

mod backends;
mod contract;
mod database;
mod disk;
mod mongod;
mod own;
mod settings;
mod transfer;
