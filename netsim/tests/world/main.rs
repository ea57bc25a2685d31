//! The shipped code in simulated networks.

mod shipped;
