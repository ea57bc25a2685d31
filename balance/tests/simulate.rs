//! Simulated days, with a real worker.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod worker;

use std::sync::Arc;
use std::time::Duration;

use balance::simulate::{Outcome, Scenario, Stage, read_csv};
use balance::{Chain, Function, Prefilter, shipped};
use serde_json::{Value, json};
use worker::workers;

/// Only against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

fn scenario() -> Scenario {
    let scenario = json!({
        "fleet": [
            { "name": "a", "count": 2, "cpus": 4, "memoryGiB": 16, "away": { "from": "12h", "until": "13h" } },
            { "name": "b", "cpus": 8, "memoryGiB": 64, "mostSessions": 3 },
        ],
        "starts": 60,
        "sessions": [{ "name": "desktop", "minutes": { "median": 60, "p90": 120 }, "load": 0.5, "memoryGiB": 1 }],
    });
    serde_json::from_value(scenario).unwrap()
}

fn stage(table: Option<&str>, servers: Option<Vec<Value>>, seed: u64) -> Stage {
    let scenario = scenario();
    scenario.check().unwrap();
    let starts = table.map_or_else(|| scenario.draw(seed), |table| read_csv(table).unwrap());
    Stage { scenario, servers, starts, seed }
}

async fn pass(stage: &Stage, function: Arc<Function>) -> Outcome {
    let chain = Chain { prefilter: Prefilter::default(), functions: vec![function] };
    stage.pass(("one", &chain), &workers(PATIENCE), |_| ()).await.unwrap()
}

#[tokio::test]
async fn the_same_seed_is_the_same_day_also_for_a_function_that_uses_chance() {
    let two = shipped::named("two-choices").unwrap();
    let first = pass(&stage(None, None, 3), Arc::clone(&two)).await;
    assert_eq!(first, pass(&stage(None, None, 3), Arc::clone(&two)).await);
    assert_ne!(first.looks, pass(&stage(None, None, 4), two).await.looks);
    assert_eq!((first.started + first.failed, first.servers.len(), first.looks.len()), (60, 3, 289));
}

#[tokio::test]
async fn a_start_on_a_machine_that_just_crashed_goes_to_the_next() {
    // At noon a-1 crashes with its session; ten seconds later nobody knows it, a minute later everybody.
    let table = "at,minutes,login\n11:59,600,x\n12:00:10,10,y\n12:01:00,10,z\n";
    let first = Arc::new(Function::new("first", "input => input.servers[0].serverId"));
    let outcome = pass(&stage(Some(table), None, 1), Arc::clone(&first)).await;
    assert_eq!((outcome.started, outcome.retried, outcome.failed, outcome.lost), (3, 1, 0, 1));
    let table = "at,minutes,login,params\n09:00,60,x,gpu=true\n";
    let refusing = Function::new("refusing", "i => { throw new Error('no ' + JSON.stringify(i.data)) }");
    let outcome = pass(&stage(Some(table), None, 1), Arc::new(refusing)).await;
    assert_eq!(outcome.failed, 1);
    assert!(outcome.reasons.contains_key(r#"no {"params":{"gpu":"true"}}"#), "{:?}", outcome.reasons);
}

#[tokio::test]
async fn a_machine_that_is_full_fails_the_start_and_the_next_one_is_taken() {
    let table = "at,minutes\n".to_owned() + &"09:00,60\n".repeat(5);
    let b = Function::new("b", "i => (i.servers.find(s => s.serverId === 'b-1') || i.servers[0]).serverId");
    let outcome = pass(&stage(Some(&table), None, 1), Arc::new(b)).await;
    assert_eq!((outcome.started, outcome.retried, outcome.peak_sessions), (5, 2, 3));
}

#[tokio::test]
async fn saved_servers_take_the_place_of_the_fleet_and_keep_what_is_written_about_them() {
    let servers = vec![
        json!({ "serverId": "x", "cpus": 2, "totalmem": 8_u64 << 30, "sessions": 7, "standing": "alive" }),
        json!({ "serverId": "y", "cpus": 2, "totalmem": 8_u64 << 30, "staticData": { "gpu": true } }),
        json!({ "serverId": "z", "standing": "alive", "draining": true, "staticData": { "gpu": true } }),
    ];
    let table = "at,minutes,load,memoryGiB,params\n08:00,60,4,1,gpu=true\n08:30,60,1,1,\n";
    let gpu =
        Function::new("gpu", "i => i.servers.find(s => !!s.staticData === !!i.data.params.gpu).serverId");
    let outcome = pass(&stage(Some(table), Some(servers), 1), Arc::new(gpu)).await;
    assert_eq!((outcome.started, &outcome.servers[..]), (2, &["x".into(), "y".into(), "z".into()][..]));
    let at = |minute| outcome.looks.iter().find(|look| look.minute == minute).unwrap();
    assert_eq!((&at(495).sessions, at(495).peak_load), (&vec![0, 1, 0], 2.0));
    assert_eq!((&at(525).sessions, at(560).sessions.clone()), (&vec![1, 1, 0], vec![1, 0, 0]));
    // From 8:00 to 9:00 a session on an overloaded machine, from 8:30 to 9:30 one on another: half of all.
    assert!((outcome.overloaded - 0.5).abs() < 0.05, "{}", outcome.overloaded);
}
