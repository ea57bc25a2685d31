//! Nodes that are members of a cluster: what an observer sees of them while everything fails.

use std::time::Duration;

use netsim::outcome::judge;
use netsim::plan::{parse, shipped};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn who_is_gone_is_shown_and_who_is_back_too() {
    let plan =
        parse("cluster".as_ref(), shipped("cluster").expect("it is shipped").text).expect("it is a plan");
    let outcome = netsim::run(&plan, 3).expect("it runs");
    let seen = outcome.control.as_ref().expect("the plan has a control plane");
    let of =
        |server: &str| seen.absences.iter().filter(|absence| absence.server == server).collect::<Vec<_>>();
    assert_eq!(seen.absences.len(), 12, "one killed, ten cut off, one paused: {:#?}", seen.absences);
    for (server, from, until) in
        [("east-server-1", 20, 80), ("west-server-10", 100, 145), ("west-server-3", 170, 220)]
    {
        let absence = *of(server).last().expect("it was gone");
        let times = (absence.from.as_secs(), absence.until.map(|until| until.as_secs()));
        assert_eq!(times, (from, Some(until)), "{server}");
        let lost = absence.lost.expect("it is shown");
        assert!(lost > seconds(from + 15) && lost < seconds(until), "{server} at {lost:?}");
    }
    let mended: Vec<_> = seen.recoveries.iter().map(|(mended, _)| mended.as_secs()).collect();
    assert_eq!(mended, [280, 360, 430]);
    assert!(
        seen.recoveries.iter().all(|(mended, back)| back.is_some_and(|back| back >= *mended)),
        "{seen:#?}"
    );
    let updates: usize = seen.per_second().sum();
    assert!(
        (500..3000).contains(&updates),
        "twenty servers, every ten seconds, for eight minutes: {updates}"
    );
}

/// A bound that cannot be kept is not.
#[test]
fn a_cluster_that_is_too_slow_fails_its_plan() {
    let text = shipped("cluster").expect("it is shipped").text;
    let strict = text
        .replace("\"35s\"", "\"5s\"")
        .replace("updatesPerSecondAtMost = 100", "updatesPerSecondAtMost = 0");
    let strict = strict.replace("length = \"8m\"", "length = \"90s\"").replace("lasts = \"60s\"", "");
    let plan = parse("strict".as_ref(), &strict).expect("it is a plan");
    let outcome = netsim::run(&plan, 1).expect("it runs");
    let failed: Vec<_> = judge(&plan, &outcome).into_iter().filter(|verdict| !verdict.met).collect();
    let names: Vec<_> = failed.iter().map(|verdict| verdict.what.as_str()).collect();
    assert_eq!(names, ["a lost server shown", "updates in a second"]);
}

#[test]
fn a_plan_without_a_control_plane_cannot_lose_it() {
    let text = shipped("typing").expect("it is shipped").text;
    let lost = format!("{text}\n[[fault]]\nat = \"1s\"\ndo = {{ lose = \"broker\" }}\n");
    let error = parse("typing".as_ref(), &lost).expect_err("there is no broker").to_string();
    assert!(error.contains("[control]"), "{error}");
}
