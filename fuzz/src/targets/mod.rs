//! One target for each decoder.

mod answer;
mod broker_json;
mod client_hello;
mod control;
mod gateway_json;
mod hello;
mod launcher;
mod member;
mod preamble;
mod proxy_header;
mod record;

use crate::Target;

pub const ALL: [Target; 14] = [
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
    broker_json::TARGET,
    member::WORD,
    member::QUESTION,
    member::ANSWER,
];

/// The target of that name.
pub fn named(name: &str) -> Option<Target> {
    ALL.into_iter().find(|target| target.name == name)
}
