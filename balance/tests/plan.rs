//! Plans, their cases and the journal, with a real worker.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod worker;

use std::time::Duration;

use balance::journal::{Replayed, replay};
use balance::plan::{Case, Expected, Planned};
use balance::{Action, Function, Journal, Outcome, Plan, Trace, shipped};
use jiff::Timestamp;
use serde_json::json;
use worker::{NOON, alice, three, workers};

/// Only against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

fn plan(functions: Vec<Function>) -> Plan {
    Plan { functions: functions.into_iter().map(Planned::from).collect(), ..Plan::default() }
}

fn case(name: &str, expect: Expected) -> Case {
    let servers = vec![json!({ "serverId": "a", "sessions": 1 }), json!({ "serverId": "b", "sessions": 0 })];
    Case { name: name.into(), request: alice(), servers, moment: NOON, expect }
}

#[tokio::test]
async fn what_is_no_function_is_found_before_it_is_saved() {
    let workers = workers(PATIENCE);
    for (source, words) in [("i => {", "SyntaxError"), ("'a'", "not a function"), ("a b", "SyntaxError")] {
        let found = plan(vec![Function::new("bad", source)]).compiles(&workers, Action::Start).await;
        assert!(found.unwrap_err().to_string().contains(words), "{source}");
    }
    for source in ["i => i.servers[0].serverId", "i => { throw new Error('full') }"] {
        let found = plan(vec![Function::new("good", source)]).compiles(&workers, Action::Start).await;
        assert_eq!(found, Ok(()), "{source}");
    }
    let all = plan(shipped::all().collect());
    assert_eq!((all.check(), all.compiles(&workers, Action::Start).await), (Ok(()), Ok(())));
}

#[tokio::test]
async fn cases_say_what_was_expected_and_what_came() {
    let workers = workers(PATIENCE);
    let mut plan = plan(vec![Function::new("first", "i => i.servers[0].serverId")]);
    let one = |id: &str| Expected::OneOf(vec![id.into()]);
    plan.cases = vec![
        case("right", one("a")),
        case("wrong", one("b")),
        case("either", Expected::OneOf(vec!["b".into(), "a".into()])),
        case("no error", Expected::Error("full".into())),
    ];
    let verdicts = plan.verdicts(&workers).await;
    let passed: Vec<bool> = verdicts.iter().map(|verdict| verdict.passed).collect();
    assert_eq!(passed, [true, false, true, false]);
    assert_eq!(verdicts[1].got, Outcome::ServerId("a".into()));
    plan.functions[0].source = "i => { throw new Error('All are full') }".into();
    let passed: Vec<bool> = plan.verdicts(&workers).await.iter().map(|verdict| verdict.passed).collect();
    assert_eq!(passed, [false, false, false, true]);
}

#[tokio::test]
async fn a_decision_is_made_again_as_it_was_and_differs_by_another_plan() {
    let (workers, journal) = (workers(PATIENCE), Journal::default());
    let chain =
        plan(vec![Function::new("any", "i => i.servers[Math.floor(Math.random() * 3)].serverId")]).chain();
    for seed in 0..20 {
        let moment = balance::Moment { seed, ..NOON };
        let decision = chain.choose(&workers, &alice(), &three(), moment).await;
        journal.add(Timestamp::now(), 1, (alice(), moment), Trace::from(&decision), three());
    }
    let kept = journal.last(20);
    let again = replay(&chain, &workers, Action::Start, &kept).await;
    assert_eq!(again, Replayed { same: 20, ..Replayed::default() });
    assert_eq!(replay(&chain, &workers, Action::Login, &kept).await, Replayed::default());
    let other = plan(vec![Function::new("a", "i => 'a'")]).chain();
    let replayed = replay(&other, &workers, Action::Start, &kept).await;
    assert_eq!(replayed.same + replayed.different.len(), 20);
    assert!(
        replayed.same > 0 && replayed.different.iter().all(|one| one.after == Outcome::ServerId("a".into()))
    );
}
