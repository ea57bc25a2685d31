//! The transporter's contract, tried on every way with real servers; and what brokers do to it.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../servers/mod.rs"]
mod servers;

mod admission;
mod contract;
mod faults;
mod limits;
mod logins;
mod presence;
mod strangers;
mod ways;
