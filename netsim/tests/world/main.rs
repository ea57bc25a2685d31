//! The shipped code in simulated networks.

mod scale;
mod seeds;
mod shipped;
mod wide;
