//! The shipped code in simulated networks.

mod paused;
mod scale;
mod seeds;
mod shipped;
mod wide;
