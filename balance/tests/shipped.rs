//! What each shipped function does with a small fleet.

#![allow(clippy::unwrap_used, reason = "a function that is not there fails the test")]

mod worker;

use std::time::Duration;

use balance::{Offered, Request, Returned, Workers, shipped};
use serde_json::{Value, json};
use worker::{alice, run, servers, workers};

struct Bench(Workers);

impl Bench {
    fn new() -> Self {
        Self(workers(Duration::from_secs(60)))
    }

    async fn with(&self, name: &str, request: &Request, fleet: &Offered) -> Returned {
        let function = shipped::named(name).unwrap();
        run(&self.0, &function.source, request, fleet).await.returned
    }

    async fn on(&self, name: &str, fleet: Value) -> Returned {
        self.with(name, &alice(), &servers(fleet)).await
    }
}

fn chosen(id: &str) -> Returned {
    Returned::Text(id.to_owned())
}

fn left(ids: &[&str]) -> Returned {
    Returned::List(ids.iter().map(|id| Some((*id).to_owned())).collect())
}

fn says(returned: &Returned, words: &str) -> bool {
    matches!(returned, Returned::Threw(message) if message.contains(words))
}

#[tokio::test]
async fn local_and_fewest_and_least_and_most() {
    let bench = Bench::new();
    let fleet = json!([
        { "serverId": "a", "sessions": 4, "cpus": 32, "loadavg": [9, 4, 9], "freemem": 10 },
        { "serverId": "b", "sessions": 2, "cpus": 4, "loadavg": [0, 3, 0], "freemem": 30 },
        { "serverId": "c", "sessions": 9, "cpus": 8, "loadavg": [0, 0, 0], "freemem": 20 },
    ]);
    assert_eq!(bench.on("return-local", fleet.clone()).await, chosen("a"));
    assert_eq!(bench.on("fewest-sessions", fleet.clone()).await, chosen("b"));
    assert_eq!(bench.on("least-load", fleet.clone()).await, chosen("a"));
    assert_eq!(bench.on("most-memory", fleet).await, chosen("b"));
    for name in
        ["fewest-sessions", "least-load", "most-memory", "round-robin", "weighted", "two-choices", "sticky"]
    {
        assert_eq!(bench.on(name, json!([])).await, Returned::Nothing, "{name}");
    }
}

#[tokio::test]
async fn a_round_gives_each_one_session() {
    let (bench, mut sessions) = (Bench::new(), [0, 0, 0]);
    for _ in 0..9 {
        let fleet = json!([
            { "serverId": "c", "sessions": sessions[2] },
            { "serverId": "a", "sessions": sessions[0] },
            { "serverId": "b", "sessions": sessions[1] },
        ]);
        let Returned::Text(id) = bench.on("round-robin", fleet).await else { panic!("nobody was chosen") };
        sessions[usize::from(id.as_bytes()[0] - b'a')] += 1;
    }
    assert_eq!(sessions, [3, 3, 3]);
}

#[tokio::test]
async fn weights_and_two_choices_are_fair_by_chance() {
    let bench = Bench::new();
    let fleet = servers(json!([
        { "serverId": "none", "sessions": 1, "staticData": { "weight": 0 } },
        { "serverId": "three", "sessions": 50, "staticData": { "weight": 3 } },
        { "serverId": "one", "sessions": 0, "staticData": {} },
    ]));
    let mut counts = std::collections::BTreeMap::<(&str, String), u32>::new();
    for seed in 0..200 {
        for name in ["weighted", "two-choices"] {
            let function = shipped::named(name).unwrap();
            let moment = balance::Moment { seed: seed * 7919, ..worker::NOON };
            let request = alice();
            let call = balance::Call { function: &function, request: &request, servers: &fleet, moment };
            let ran = balance::Engine::run(&bench.0, call).await;
            let Returned::Text(id) = ran.returned else { panic!("{name}: {ran:?}") };
            *counts.entry((name, id)).or_default() += 1;
        }
    }
    let count = |name, id: &str| counts.get(&(name, id.to_owned())).copied().unwrap_or(0);
    assert_eq!(count("weighted", "none"), 0);
    assert!((130..170).contains(&count("weighted", "three")), "{counts:?}");
    // The fullest is taken only when it is drawn twice: one time in nine.
    assert!((8..40).contains(&count("two-choices", "three")), "{counts:?}");
}

#[tokio::test]
async fn users_and_groups_see_their_own_servers() {
    let bench = Bench::new();
    let fleet = json!([
        { "serverId": "open" },
        { "serverId": "hers", "staticData": { "allowedUsers": ["alice", "bob"], "group": "chem" } },
        { "serverId": "his", "staticData": { "allowedUsers": ["bob"], "group": ["phys", "bio"] } },
    ]);
    assert_eq!(bench.on("allowed-users", fleet.clone()).await, left(&["open", "hers"]));
    assert_eq!(bench.on("group", fleet).await, left(&["open", "hers"]));
    let his = json!([{ "serverId": "his", "staticData": { "allowedUsers": [], "group": "bio" } }]);
    assert!(says(&bench.on("allowed-users", his.clone()).await, "You may not use"));
    assert!(says(&bench.on("group", his).await, "None of your groups"));
}

#[tokio::test]
async fn gpus_are_for_who_asks_for_one() {
    let bench = Bench::new();
    let fleet = servers(json!([
        { "serverId": "plain", "sessions": 0 },
        { "serverId": "noted", "sessions": 3, "staticData": { "gpu": true }, "gpus": [] },
        { "serverId": "two", "sessions": 4, "gpus": [{ "utilization": 50 }, { "utilization": 90 }] },
        { "serverId": "busy", "sessions": 2, "gpus": [{ "utilization": 95 }] },
    ]));
    let mut wants = alice();
    wants.data = json!({ "params": { "gpu": "true" } });
    assert_eq!(bench.with("gpu", &wants, &fleet).await, left(&["noted", "two", "busy"]));
    assert_eq!(bench.with("gpu", &alice(), &fleet).await, left(&["plain"]));
    assert_eq!(bench.with("gpu", &alice(), &fleet[1..].to_vec()).await, Returned::Nothing);
    assert!(says(&bench.with("gpu", &wants, &fleet[..1].to_vec()).await, "No server with a GPU"));
    // Two sessions for each GPU on both: the idler GPUs win.
    assert_eq!(bench.with("sessions-per-gpu", &wants, &fleet).await, chosen("two"));
    assert!(says(
        &bench.with("sessions-per-gpu", &wants, &fleet[..1].to_vec()).await,
        "No server with a GPU"
    ));
}

#[tokio::test]
async fn sessions_and_choices_of_the_person_count() {
    let (bench, mut request) = (Bench::new(), alice());
    let fleet = servers(json!([
        { "serverId": "a", "sessions": 1, "loggedInUsers": ["bob"] },
        { "serverId": "b", "sessions": 1, "loggedInUsers": ["alice"] },
        { "serverId": "c", "sessions": 0, "loggedInUsers": [] },
        { "serverId": "d", "sessions": 1, "loggedInUsers": [] },
    ]));
    assert_eq!(bench.with("sticky", &request, &fleet).await, chosen("b"));
    assert_eq!(bench.with("reserve", &request, &fleet).await, left(&["b", "c"]));
    assert!(says(&bench.with("reserve", &request, &fleet[..1].to_vec()).await, "Every server is in use"));
    assert_eq!(bench.with("users-choice", &request, &fleet).await, chosen("c"));
    request.data = json!({});
    assert_eq!(bench.with("users-choice", &request, &fleet).await, chosen("a"));
    request.user.insert("serverId".into(), "gone".into());
    assert!(says(
        &bench.with("users-choice", &request, &fleet).await,
        "The server gone takes no new sessions"
    ));
    request.user.remove("serverId");
    assert_eq!(bench.with("users-choice", &request, &fleet).await, Returned::Nothing);
    request.user.remove("sessions");
    assert_eq!(bench.with("sticky", &request, &fleet).await, Returned::Nothing);
}

#[tokio::test]
async fn failures_and_hours_leave_servers_out() {
    let bench = Bench::new();
    // The tests' moment in seconds.
    let now = worker::NOON.now / 1000;
    let fleet = json!([
        { "serverId": "well", "metrics": {} },
        { "serverId": "lately", "metrics": { "lastFailedStart": now - 100 } },
        { "serverId": "long-ago", "metrics": { "lastFailedStart": (now - 400).to_string() } },
    ]);
    assert_eq!(bench.on("penalty", fleet.clone()).await, left(&["well", "long-ago"]));
    assert_eq!(bench.on("penalty", json!([fleet[1]])).await, Returned::Nothing);
    // It is Wednesday, 12 o'clock there.
    let open = |id: &str, hours: Value, days: Value| json!({ "serverId": id, "staticData": { "hours": hours, "days": days } });
    let fleet = json!([
        open("always", Value::Null, Value::Null),
        open("by-day", json!("8-18"), json!("1-5")),
        open("by-night", json!("19-7"), Value::Null),
        open("over-noon", json!("22-13"), Value::Null),
        open("until-noon", json!("8-12"), Value::Null),
        open("weekend", Value::Null, json!("6-0")),
        open("until-wednesday", Value::Null, json!("1-3")),
    ]);
    let expected = left(&["always", "by-day", "over-noon", "until-wednesday"]);
    assert_eq!(bench.on("schedule", fleet.clone()).await, expected);
    assert!(says(&bench.on("schedule", json!([fleet[2]])).await, "at this hour"));
}
