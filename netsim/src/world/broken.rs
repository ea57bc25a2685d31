//! The invariants are no idle talk: each run here has something broken on purpose, and is found out.

use std::sync::Arc;
use std::time::Duration;

use super::hosts::Hosts;
use super::run::run_here;
use crate::plan::parse;

/// One node, and somebody who asks it ten times a second; what `breaks` does to the hosts happens again and again from
/// 3 s on.
fn violated(breaks: impl Fn(&mut Hosts)) -> Vec<String> {
    let text = "title = \"t\"\nlength = \"6s\"\n\
        [[host]]\nname = \"gateway\"\nrole = \"gateway\"\n\
        [[host]]\nname = \"node\"\nrole = \"node\"\n\
        [[host]]\nname = \"person\"\nrole = \"client\"\n\
        [[work]]\nname = \"asks\"\ndo = \"openClose\"\nfrom = \"person\"\nto = \"node\"\nstart = \"1s\"";
    let plan = parse("t.toml".as_ref(), text).expect("it is a plan");
    let look = |hosts: &mut Hosts| {
        if hosts.watch.now() >= Duration::from_secs(3) {
            breaks(hosts);
        }
    };
    let outcome = run_here(&plan, 1, false, look).expect("it runs").outcome;
    let mut all: Vec<_> = outcome.violations.into_iter().map(|violation| violation.invariant).collect();
    all.dedup();
    all
}

#[test]
fn a_sound_run_violates_nothing() {
    assert_eq!(violated(|_| {}), Vec::<String>::new());
}

#[test]
fn a_gateway_that_is_told_to_drain_and_does_not_is_found() {
    let found =
        violated(|hosts| hosts.every_gateway.iter().for_each(|gateway| hosts.watch.drains(*gateway, true)));
    assert_eq!(found, ["a drained gateway gets no new streams"]);
}

#[test]
fn a_task_that_nobody_ends_is_found() {
    let found = violated(|_| drop(tokio::spawn(std::future::pending::<()>())));
    assert_eq!(found, ["tasks return to the baseline"]);
}

#[test]
fn memory_that_is_leaked_is_found() {
    assert_eq!(
        violated(|hosts| std::mem::forget(Arc::clone(&hosts.wire))),
        ["memory returns to the baseline"]
    );
}

#[test]
fn a_registration_of_a_start_that_never_was_is_found() {
    let found = violated(|hosts| hosts.starts.values_mut().for_each(|starts| *starts = 0));
    assert_eq!(found, ["the newest registration wins"]);
}
