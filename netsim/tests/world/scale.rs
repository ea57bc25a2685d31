//! Many nodes and a gateway that dies: a small copy of the plan `scale` here, the whole in `make nightly`.

use netsim::outcome::judge;
use netsim::plan::{parse, shipped};

#[test]
fn two_hundred_nodes_outlive_a_gateway() {
    let whole = shipped("scale").expect("it is shipped").text;
    let small = whole.replace("count = 1_000", "count = 200").replace("streams = 10", "streams = 2");
    assert_ne!(whole, small);
    let plan = parse("scale".as_ref(), &small).expect("it is a plan");
    let run = netsim::run_logged(&plan, plan.seed, false, |_| {}).expect("it runs");
    let missed: Vec<_> = judge(&plan, &run.outcome).into_iter().filter(|verdict| !verdict.met).collect();
    assert!(missed.is_empty(), "{missed:#?} {:#?}", run.outcome.violations);
    assert!(run.cost.peak() > 0 && run.cost.took > 0.0);
}
