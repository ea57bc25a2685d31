//! The functions that come with the program: a file each in `balance/functions`, to use as they are or to begin with.

use std::sync::Arc;

use crate::function::Function;

/// Names and sources.
const SHIPPED: &[(&str, &str)] = &[
    ("return-local", include_str!("../functions/return-local.js")),
    ("fewest-sessions", include_str!("../functions/fewest-sessions.js")),
    ("least-load", include_str!("../functions/least-load.js")),
    ("most-memory", include_str!("../functions/most-memory.js")),
    ("round-robin", include_str!("../functions/round-robin.js")),
    ("weighted", include_str!("../functions/weighted.js")),
    ("two-choices", include_str!("../functions/two-choices.js")),
    ("allowed-users", include_str!("../functions/allowed-users.js")),
    ("group", include_str!("../functions/group.js")),
    ("gpu", include_str!("../functions/gpu.js")),
    ("sessions-per-gpu", include_str!("../functions/sessions-per-gpu.js")),
    ("sticky", include_str!("../functions/sticky.js")),
    ("users-choice", include_str!("../functions/users-choice.js")),
    ("reserve", include_str!("../functions/reserve.js")),
    ("penalty", include_str!("../functions/penalty.js")),
    ("schedule", include_str!("../functions/schedule.js")),
];

/// All of them, in the order of the guide.
pub fn all() -> impl Iterator<Item = Function> {
    SHIPPED.iter().map(|(name, source)| Function::new(name, source))
}

pub fn named(name: &str) -> Option<Arc<Function>> {
    all().find(|function| function.name == name).map(Arc::new)
}

/// What it does, in its own words: the comment that it begins with.
pub fn about(function: &Function) -> String {
    let lines = function.source.lines().map_while(|line| line.strip_prefix("//")).map(str::trim);
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shipped_function_says_what_it_does() {
        for function in all() {
            assert!(about(&function).len() > 20, "{}", function.name);
            assert_eq!(named(&function.name).as_deref(), Some(&function));
        }
    }
}
