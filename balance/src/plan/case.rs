//! A request and servers, and what must come of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chain::{Chain, Outcome};
use crate::engine::Engine;
use crate::offer::{Offered, Server};
use crate::request::{Moment, Request};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub request: Request,
    /// Server objects.
    pub servers: Vec<Value>,
    pub moment: Moment,
    pub expect: Expected,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Expected {
    /// One of these servers is chosen.
    OneOf(Vec<String>),
    /// There is an error, and these words are in its message.
    Error(String),
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub case: String,
    pub passed: bool,
    pub expected: Expected,
    pub got: Outcome,
}

impl Case {
    pub async fn run(&self, chain: &Chain, engine: &dyn Engine) -> Verdict {
        let servers: Offered = self.servers.iter().cloned().filter_map(Server::new).map(Arc::new).collect();
        let decision = chain.choose(engine, &self.request, &servers, self.moment).await;
        let got = Outcome::from(&decision.result);
        let passed = self.expect.allows(&got);
        Verdict { case: self.name.clone(), passed, expected: self.expect.clone(), got }
    }
}

impl Expected {
    fn allows(&self, got: &Outcome) -> bool {
        match (self, got) {
            (Self::OneOf(ids), Outcome::ServerId(id)) => ids.contains(id),
            (Self::Error(words), Outcome::Error { message, .. }) => message.contains(words),
            _ => false,
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OneOf(ids) => f.write_str(&ids.join(" or ")),
            Self::Error(words) => write!(f, "an error with \"{words}\""),
        }
    }
}
