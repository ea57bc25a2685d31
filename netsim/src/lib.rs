//! A simulated network and clock to run the shipped tunnel and relay code in.
//!
//! - [`link`]: what one direction of a network does to a packet: delay, jitter, rate, queue, loss, reordering,
//!   duplication, corruption, MTU. Pure: no clock and no I/O, so that the simulation in virtual time and the router
//!   between TUN devices in real time use the same.
//! - [`boxes`]: what stands in the way: NAT and firewall. Pure as well.
//! - [`router`]: the links in real time, between two TUN devices, for programs that are not ours.
//! - [`plan`]: a network, what goes wrong in it, what people do, and what must hold, as an administrator writes it.
//! - [`run`]: the world of a plan: hosts that run the shipped code, on simulated sockets, in simulated time.
//! - [`control`]: the shipped control plane over a broker and a store in memory.
//! - [`outcome`]: what a run showed, and whether it kept what the plan expects.
//! - [`report`]: that for people, as a page with plots.

pub mod boxes;
pub mod control;
pub mod link;
pub mod outcome;
pub mod plan;
pub mod random;
pub mod report;
pub mod router;
mod world;

pub use world::{Logged, RunError, run, run_logged};
