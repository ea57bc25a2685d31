//! The seam between the chain and what runs a function.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::function::Function;
use crate::offer::Server;
use crate::request::{Moment, Request};

/// Runs functions. A call knows nothing of any other.
pub trait Engine: Send + Sync {
    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Ran>;

    /// Whether the function may run now; if not, the built-in "fewest sessions" decides.
    fn trusts(&self, _function: &Function) -> bool {
        true
    }
}

/// One function, with its input.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub function: &'a Function,
    pub request: &'a Request,
    pub servers: &'a [Arc<Server>],
    pub moment: Moment,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    pub returned: Returned,
    /// What it wrote with `console`, up to [`crate::worker::MAX_LINES`] lines.
    pub console: Vec<Line>,
    pub took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// `log`, `info`, `warn`, `error`, `debug`.
    pub level: String,
    pub text: String,
}

/// What a function gave back, as far as it matters. Texts are the script's own: not to be trusted, and bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// A string.
    Text(String),
    /// An array: the `serverId` of each element that is an object with one.
    List(Vec<Option<String>>),
    /// Something falsy.
    Nothing,
    /// Anything else: what it is, in words.
    Odd(String),
    /// It threw, or its promise was rejected, or it is no function at all: the message.
    Threw(String),
    /// It was ended, or never began.
    Stopped(Stop),
}

/// Why a function has no result of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stop {
    #[error("it did not end within {} ms", .0)]
    Deadline(u64),
    #[error("it used up its memory or its stack")]
    Memory,
    #[error("it broke its worker ({0})")]
    Broke(String),
    /// Nobody's fault in the script.
    #[error("no worker could run it: {0}")]
    NoWorker(String),
}

impl Stop {
    /// Whether the script did it.
    pub fn is_its_fault(&self) -> bool {
        !matches!(self, Self::NoWorker(_))
    }
}
