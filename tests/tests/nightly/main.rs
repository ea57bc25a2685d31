//! The long ones: what takes minutes, or many repetitions, to show. `make nightly`.

mod kills;
mod long;
