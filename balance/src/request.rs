//! Who wants what: everything that a function is given, but for the servers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is to be done on the server that is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    #[serde(rename = "user/login")]
    Login,
    #[serde(rename = "session/start")]
    Start,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Login => "user/login",
            Self::Start => "session/start",
        })
    }
}

/// The guide's input object without its servers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub action: Action,
    /// `login`, `serverId`, `sessions`; at a start also what the login knows.
    #[serde(default)]
    pub user: Map<String, Value>,
    #[serde(default)]
    pub user_groups: Vec<String>,
    #[serde(default)]
    pub is_manager: bool,
    #[serde(default)]
    pub is_admin: bool,
    pub local: Local,
    /// What the person's request carried, as it came.
    #[serde(default)]
    pub data: Value,
}

/// The server that executes the function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Local {
    pub server_id: String,
}

impl Request {
    /// Of a login name, with nothing else known.
    pub fn of(action: Action, login: &str, local: &str) -> Self {
        Self {
            action,
            user: Map::from_iter([("login".to_owned(), login.into())]),
            user_groups: Vec::new(),
            is_manager: false,
            is_admin: false,
            local: Local { server_id: local.to_owned() },
            data: Value::Object(Map::new()),
        }
    }

    pub fn login(&self) -> &str {
        self.user.get("login").and_then(Value::as_str).unwrap_or_default()
    }
}

/// What a call may know of time and chance. Two calls with the same one, on the same servers, end alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// Milliseconds since 1970; it stands still during a call.
    pub now: i64,
    /// Seconds that local time is ahead of UTC.
    pub utc_offset: i32,
    /// Of `Math.random`.
    pub seed: u64,
}

impl Moment {
    /// This one, where this machine is, with a seed by chance.
    pub fn now() -> Self {
        let now = jiff::Zoned::now();
        Self {
            now: now.timestamp().as_millisecond(),
            utc_offset: now.offset().seconds(),
            seed: rand::random(),
        }
    }
}
