//! Whole nodes in this process, on loopback; sessions on the real Xtigervnc.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod clipboard;
mod gateway;
mod lan_relay;
mod links;
mod sessions;
mod stage;
mod streams;
