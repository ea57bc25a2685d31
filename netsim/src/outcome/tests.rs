use std::path::Path;

use super::*;
use crate::plan::parse;

const S: Duration = Duration::from_secs(1);

fn plan(more: &str) -> Plan {
    let text = format!(
        "title = \"t\"\nlength = \"60s\"\n[[host]]\nname = \"gw\"\nrole = \"gateway\"\n\
         [[host]]\nname = \"node\"\nrole = \"node\"\ncount = 2\n[[host]]\nname = \"user\"\nrole = \"client\"\n\
         [[work]]\nname = \"get\"\ndo = \"bulk\"\nfrom = \"user\"\nto = \"node\"\nstart = \"10s\"\n\
         [[work]]\nname = \"typing\"\ndo = \"keystrokes\"\nfrom = \"user\"\nto = \"node\"\n{more}"
    );
    parse(Path::new("t.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether each expectation was met; the last is that no invariant was violated.
fn met(plan: &Plan, outcome: &Outcome) -> Vec<bool> {
    judge(plan, outcome).iter().map(|verdict| verdict.met).collect()
}

#[test]
fn goodput_counts_bytes_in_its_time_only() {
    let plan = plan("[[expect]]\nof = \"get\"\ngoodputAtLeast = \"8Mbit/s\"\nafter = \"20s\"");
    let mut outcome = Outcome::new(&plan, 1);
    // Nothing until 20 s, then 1 MB in each second.
    outcome.work[0].progress.extend([(S * 20, 0), (S * 60, 40_000_000)]);
    assert_eq!(met(&plan, &outcome), [true, true]);
    assert_eq!(judge(&plan, &outcome)[0].measured, "8 Mbit/s");
    outcome.work[0].progress[2].1 -= 1_000_000;
    assert_eq!(met(&plan, &outcome), [false, true]);
    assert_eq!(outcome.work[0].goodput(S * 10, S * 20), 0.0);
}

#[test]
fn a_work_that_did_nothing_meets_nothing() {
    let plan = plan("[[expect]]\nof = \"typing\"\np99AtMost = \"50ms\"\nlostAtMost = 0\nfinishedAtLeast = 1");
    let mut outcome = Outcome::new(&plan, 1);
    assert_eq!(met(&plan, &outcome), [false, false, false, true]);
    let typing = &mut outcome.work[1];
    (typing.opened, typing.finished) = (2, 2);
    typing.latencies.record(Duration::from_millis(49));
    assert_eq!(met(&plan, &outcome), [true; 4]);
    outcome.work[1].lost = 1;
    outcome.violations.push(Violation { at: S, invariant: "i".into(), detail: "d".into() });
    assert_eq!(met(&plan, &outcome), [true, false, true, false]);
}

#[test]
fn quantiles_are_right_to_about_a_percent() {
    let mut latencies = Latencies::default();
    assert_eq!(latencies.quantile(0.99), None);
    for ms in 1..=1000 {
        latencies.record(Duration::from_millis(ms));
    }
    for (share, exact) in [(0.5, 0.5), (0.99, 0.99), (1.0, 1.0), (0.0, 0.001)] {
        let found = latencies.quantile(share).unwrap().as_secs_f64();
        assert!(found >= exact && found <= exact * 1.012, "{share}: {found}");
    }
    assert_eq!((latencies.count(), latencies.longest()), (1000, S));
}

#[test]
fn a_node_is_waited_for_from_the_last_fault_on() {
    let plan = plan(
        "[tunnels]\nconnectedWithin = \"2s\"\nbackWithin = \"3s\"\ndialsPerSecondAtMost = 2\n\
         [[fault]]\nat = \"20s\"\ndo = { kill = \"gw\" }\nlasts = \"10s\"",
    );
    let mut outcome = Outcome::new(&plan, 1);
    outcome.tunnels(S, "node-1", 1);
    assert_eq!(met(&plan, &outcome), [false, true, true, true], "node-2 never connected");
    outcome.tunnels(S * 2, "node-2", 1);
    outcome.tunnels(S * 20, "node-1", 0);
    outcome.tunnels(S * 33, "node-1", 1);
    for second in [1, 2, 2, 33] {
        outcome.dial(S * second, "gw");
    }
    assert_eq!(met(&plan, &outcome), [true; 4]);
    outcome.tunnels(S * 40, "node-2", 0);
    assert_eq!(met(&plan, &outcome), [true, false, true, true], "lost long after the fault, and never back");
    outcome.dial(S * 2, "gw");
    assert!(!met(&plan, &outcome)[2]);
}

#[test]
fn a_node_that_the_plan_kills_for_good_is_not_waited_for() {
    let plan = plan("[tunnels]\nbackWithin = \"3s\"\n[[fault]]\nat = \"20s\"\ndo = { kill = \"node-2\" }");
    let mut outcome = Outcome::new(&plan, 1);
    outcome.tunnels(S, "node-2", 1);
    outcome.tunnels(S * 20, "node-2", 0);
    assert_eq!(met(&plan, &outcome), [true, true]);
}

#[test]
fn an_outcome_is_json_with_plain_numbers() {
    let plan = plan("");
    let mut outcome = Outcome::new(&plan, 7);
    outcome.trace = 255;
    outcome.sample(Quantity::Rtt, "node-1 to gw", S / 2, 0.02);
    outcome.sample(Quantity::Rtt, "node-1 to gw", S, f64::NAN);
    outcome.event(S, What::Fault, "gw", "killed");
    outcome.tunnels(S, "node-1", 1);
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["trace"], "00000000000000ff");
    assert_eq!(json["series"][0]["points"], serde_json::json!([[0.5, 0.02], [1.0, null]]));
    assert_eq!(json["tunnels"]["node-1"], serde_json::json!([[1.0, 1]]));
    assert_eq!(json["work"][1]["latencies"]["p99"], serde_json::Value::Null);
}
