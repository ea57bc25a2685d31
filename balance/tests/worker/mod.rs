//! Real workers for the tests: the program of this crate.

use std::sync::Arc;
use std::time::Duration;

use balance::{Call, Engine, Function, Moment, Offered, Options, Ran, Request, Server, Workers};
use serde_json::{Value, json};

/// The moment of every test: a Wednesday noon in a zone one hour ahead.
pub(crate) const NOON: Moment = Moment { now: 1_763_550_000_000, utc_offset: 3600, seed: 7 };

/// The deadline only guards against hanging where a test does not say otherwise.
pub(crate) fn workers(deadline: Duration) -> Workers {
    let program = env!("CARGO_BIN_EXE_balance-worker").into();
    Workers::start(Options { program, arguments: Vec::new(), deadline, workers: 2 })
}

pub(crate) fn servers(bodies: Value) -> Offered {
    let bodies = bodies.as_array().cloned().unwrap_or_default();
    bodies.into_iter().filter_map(Server::new).map(Arc::new).collect()
}

/// `a` with 3 sessions, `b` with 1, `c` with 2.
#[allow(dead_code, reason = "each test program uses some of this")]
pub(crate) fn three() -> Offered {
    servers(json!([
        { "serverId": "a", "sessions": 3, "staticData": { "gpu": true } },
        { "serverId": "b", "sessions": 1, "staticData": {} },
        { "serverId": "c", "sessions": 2, "staticData": { "gpu": true } },
    ]))
}

#[allow(dead_code, reason = "each test program uses some of this")]
pub(crate) fn alice() -> Request {
    let request = json!({
        "action": "session/start",
        "user": { "login": "alice", "serverId": "a", "sessions": [{ "id": "1", "serverId": "b" }] },
        "userGroups": ["users", "chem"],
        "isManager": false,
        "isAdmin": true,
        "local": { "serverId": "a" },
        "data": { "command": "xterm", "serverId": "c" },
    });
    serde_json::from_value(request).expect("it has the guide's fields")
}

#[allow(dead_code, reason = "each test program uses some of this")]
pub(crate) async fn run(workers: &Workers, source: &str, request: &Request, servers: &Offered) -> Ran {
    let function = Function::new("test", source);
    workers.run(Call { function: &function, request, servers, moment: NOON }).await
}
