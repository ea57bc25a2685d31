//! A host that stands still for longer than anybody waits for it: nothing happens there, and then everything at once.

use std::time::Duration;

use netsim::outcome::What;
use netsim::plan::parse;

const PLAN: &str = r#"
title = "A machine that is suspended"
length = "150s"

[path.site]
both = { delay = "10ms", rate = "100Mbit/s" }

[[host]]
name = "gateway"
role = "gateway"

[[host]]
name = "node"
role = "node"
transport = "TRANSPORT"
path = ["site"]

[[host]]
name = "person"
role = "client"

[[work]]
name = "asks"
do = "openClose"
from = "person"
to = "node"
start = "1s"

[[fault]]
at = "20s"
do = { pause = "PAUSED" }
lasts = "70s"
"#;

const PAUSED: Duration = Duration::from_secs(20);
const RESUMED: Duration = Duration::from_secs(90);
/// To notice, to dial, and to be let in.
const BACK: Duration = Duration::from_secs(10);

/// Runs of one seed at one time share streams' names, so each has its own.
fn suspended(paused: &str, transport: &str, seed: u64) {
    let text = PLAN.replace("PAUSED", paused).replace("TRANSPORT", transport);
    let plan = parse("paused".as_ref(), &text).expect("it is a plan");
    let run = || netsim::run(&plan, seed).expect("it runs");
    let outcome = run();
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert_eq!(run().trace, outcome.trace, "the same story again");
    let changes = || outcome.events.iter().filter(|event| event.host == "node");
    let noticed = changes().any(|event| event.at > PAUSED && event.at < RESUMED);
    assert_eq!(noticed, paused == "gateway", "{:#?}", outcome.events);
    let up = changes().rfind(|event| event.what == What::TunnelUp).expect("it comes back");
    assert!(up.at > RESUMED && up.at < RESUMED + BACK, "{:#?}", outcome.events);
    let answers = outcome.work[0].latencies.count();
    assert!(answers > 300, "{answers} answers");
}

#[test]
fn a_suspended_node_sees_nothing_and_comes_back() {
    suspended("node", "quic", 1);
    suspended("node", "tls", 2);
}

#[test]
fn the_nodes_of_a_suspended_gateway_come_back_to_it() {
    suspended("gateway", "quic", 3);
    suspended("gateway", "tls", 4);
}
