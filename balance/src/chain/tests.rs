//! What each result means, with an engine that returns what it is told.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::*;
use crate::engine::{Returned, Stop};

/// Returns what stands in the source, as JSON of [`Returned`]; notes what each call was offered.
#[derive(Default)]
struct Said(std::sync::Mutex<Vec<Vec<String>>>);

impl Engine for Said {
    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Ran> {
        let ids = call.servers.iter().map(|server| server.id.clone()).collect();
        self.0.lock().unwrap().push(ids);
        let returned = serde_json::from_str(&call.function.source).unwrap();
        async { Ran { returned, console: Vec::new(), took: Default::default() } }.boxed()
    }

    fn trusts(&self, function: &Function) -> bool {
        function.name != "paused"
    }
}

fn chain(functions: &[(&str, Returned)]) -> Chain {
    let function = |(name, returned): &(&str, Returned)| {
        Arc::new(Function::new(name, &serde_json::to_string(returned).unwrap()))
    };
    Chain { prefilter: Prefilter::default(), functions: functions.iter().map(function).collect() }
}

async fn choose(functions: &[(&str, Returned)]) -> (Decision, Vec<Vec<String>>) {
    let body = |(id, sessions): (&str, u32)| json!({ "serverId": id, "sessions": sessions });
    let servers: Offered =
        [("a", 3), ("b", 1), ("c", 2)].map(body).into_iter().filter_map(Server::new).map(Arc::new).collect();
    let (engine, moment) = (Said::default(), Moment { now: 0, utc_offset: 0, seed: 0 });
    let request = Request::of(Action::Start, "alice", "a");
    let decision = chain(functions).choose(&engine, &request, &servers, moment).await;
    (decision, engine.0.into_inner().unwrap())
}

fn list(ids: &[&str]) -> Returned {
    Returned::List(ids.iter().map(|id| Some((*id).to_owned())).collect())
}

#[tokio::test]
async fn a_string_chooses_and_what_stands_behind_it_does_not_run() {
    let (decision, seen) = choose(&[("one", Returned::Text("b".into())), ("two", Returned::Nothing)]).await;
    assert_eq!((decision.result, seen.len(), decision.steps[0].left), (Ok("b".into()), 1, 1));
}

#[tokio::test]
async fn an_array_narrows_in_its_own_order_each_once_and_ours_alone() {
    let returned =
        Returned::List(vec![Some("c".into()), None, Some("x".into()), Some("b".into()), Some("c".into())]);
    let (decision, seen) =
        choose(&[("some", returned), ("none", Returned::Nothing), ("end", list(&[]))]).await;
    assert_eq!(seen, [vec!["a", "b", "c"], vec!["c", "b"], vec!["c", "b"]]);
    let said = "left 2 of 3 (2 in its array were not offered to it, and do not count)";
    assert_eq!(decision.steps[0].said, said);
    let error = decision.result.unwrap_err().to_string();
    assert!(error.contains("\"none\" returned nothing: all go on; \"end\" left 0 of 2"), "{error}");
}

#[tokio::test]
async fn what_an_earlier_function_left_out_cannot_be_chosen_later() {
    let (decision, _) = choose(&[("some", list(&["b"])), ("a", Returned::Text("a".into()))]).await;
    assert_eq!(decision.result, Err(Refused::NotOffered { function: "a".into(), id: "a".into() }));
}

#[tokio::test]
async fn an_error_stops_with_its_words_and_nothing_else() {
    let threw = Returned::Threw("All GPU\u{1b} servers are in use".into());
    let (decision, seen) = choose(&[("gpu", threw), ("next", Returned::Text("a".into()))]).await;
    assert_eq!(
        (decision.result.unwrap_err().to_string().as_str(), seen.len()),
        ("All GPU servers are in use", 1)
    );
    for (returned, code) in [
        (Returned::Odd("true".into()), "balance-odd-result"),
        (Returned::Stopped(Stop::Deadline(500)), "balance-stopped"),
        (Returned::Text("d".into()), "balance-not-offered"),
    ] {
        assert_eq!(choose(&[("f", returned)]).await.0.result.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn while_a_function_is_not_trusted_the_fewest_sessions_of_what_is_left_decide() {
    let (decision, seen) = choose(&[("some", list(&["a", "c"])), ("paused", Returned::Nothing)]).await;
    assert_eq!((decision.result, decision.substitute, seen.len()), (Ok("c".into()), true, 1));
    assert_eq!(choose(&[]).await.0.result, Ok("b".into()));
}
