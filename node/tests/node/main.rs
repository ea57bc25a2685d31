//! Whole nodes in this process, on loopback; displays on the real Xtigervnc.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod displays;
mod gateway;
mod lan_relay;
mod links;
mod stage;
mod streams;
