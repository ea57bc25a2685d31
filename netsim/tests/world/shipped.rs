//! The plans that come with the programs hold what they promise.

use netsim::outcome::judge;
use netsim::plan::{parse, shipped};

fn holds(name: &str) {
    let text = shipped(name).expect("it is shipped").text;
    let plan = parse(name.as_ref(), text).expect("it is a plan");
    let outcome = netsim::run(&plan, plan.seed).expect("it runs");
    let missed: Vec<_> = judge(&plan, &outcome).into_iter().filter(|verdict| !verdict.met).collect();
    assert!(missed.is_empty(), "{missed:#?} {:#?}", outcome.violations);
}

macro_rules! every_plan_holds {
    ($($name:ident),*) => {
        $(#[test] fn $name() { holds(stringify!($name)) })*

        #[test]
        fn every_plan_is_among_them() {
            let all: Vec<_> = netsim::plan::SHIPPED.iter().map(|plan| plan.name).collect();
            // `scale` takes too long for here.
            assert_eq!(all, [$(stringify!($name),)* "scale"]);
        }
    };
}

every_plan_holds!(campus, satellite, hotel, mobile, lan, transatlantic, typing, cluster);
