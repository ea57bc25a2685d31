//! The shipped code in simulated networks.

mod seeds;
mod shipped;
mod wide;
