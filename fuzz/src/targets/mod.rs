//! One target for each decoder.

mod answer;
mod client_hello;
mod control;
mod gateway_json;
mod hello;
mod launcher;
mod preamble;
mod proxy_header;
mod record;

use crate::Target;

pub const ALL: [Target; 10] = [
    preamble::TARGET,
    answer::TARGET,
    control::TARGET,
    hello::TARGET,
    hello::ANSWER,
    record::TARGET,
    client_hello::TARGET,
    proxy_header::TARGET,
    gateway_json::TARGET,
    launcher::TARGET,
];

/// The target of that name.
pub fn named(name: &str) -> Option<Target> {
    ALL.into_iter().find(|target| target.name == name)
}
