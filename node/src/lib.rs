//! A compute node: what it can run and show.

pub mod display;
