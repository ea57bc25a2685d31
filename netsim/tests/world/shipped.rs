//! The plans that come with the programs.

use netsim::outcome::judge;
use netsim::plan::{parse, shipped};

fn holds(name: &str) {
    let text = shipped(name).expect("it is shipped").text;
    let plan = parse(name.as_ref(), text).expect("it is a plan");
    let outcome = netsim::run(&plan, plan.seed).expect("it runs");
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    let missed: Vec<_> = judge(&plan, &outcome).into_iter().filter(|verdict| !verdict.met).collect();
    assert!(missed.is_empty(), "{missed:#?}\n{:#?}", outcome.work);
}

#[test]
fn campus() {
    holds("campus");
}
