//! The program `fastx` as a person uses it: a service, and verbs that ask it.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod balance;
mod config;
mod doctor;
mod elsewhere;
mod full_disk;
mod log;
#[path = "../machine/mod.rs"]
#[allow(dead_code, reason = "the test of signing in uses all of it")]
mod machine;
mod members;
mod placed;
mod running;
mod schema;
#[path = "../../../cluster/tests/servers/mod.rs"]
mod servers;
mod sessions;
mod transfer;
