//! Nodes next to this one: `lan.json`, the listener for their streams, and the ways to them.

pub(crate) mod file;
mod listen;
mod ways;

pub(crate) use listen::Listening;
pub(crate) use ways::Ways;
