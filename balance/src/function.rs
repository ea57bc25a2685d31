//! One function of a chain.

use serde::{Deserialize, Serialize};

use crate::nesting::{MAX_DEPTH, depth};

/// The longest source that is run, in bytes.
pub const MAX_SOURCE: usize = 256 * 1024;

/// A JavaScript function: `function(input) {…}`, an arrow function, or an async one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Function {
    pub name: String,
    pub source: String,
}

impl Function {
    pub fn new(name: &str, source: &str) -> Self {
        Self { name: name.to_owned(), source: source.to_owned() }
    }

    /// Why the source is not even given to the parser.
    pub fn unreadable(&self) -> Option<String> {
        if self.source.len() > MAX_SOURCE {
            return Some(format!(
                "the script is too long: {} bytes of at most {MAX_SOURCE}",
                self.source.len()
            ));
        }
        let depth = depth(&self.source);
        (depth > MAX_DEPTH)
            .then(|| format!("the script's brackets are {depth} deep; at most {MAX_DEPTH} are read"))
    }
}
