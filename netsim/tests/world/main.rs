//! The shipped code in simulated networks.

mod cluster;
mod paused;
mod scale;
mod seeds;
mod shipped;
mod wide;
