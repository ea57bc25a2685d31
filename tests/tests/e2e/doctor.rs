//! `fastx doctor` looks at the ways to a gateway, and disturbs nobody.

use std::time::Duration;

use e2e::{Node, World, wait_for};
use serde_json::Value;

/// Everything that it says.
fn report(node: &Node) -> Vec<Value> {
    let mut command = node.files().command(&["doctor", "--json"]);
    let output = node.host().namespace().inside(|| command.output()).expect("fastx runs");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    report["checks"].as_array().expect("a list").clone()
}

fn of<'a>(report: &'a [Value], check: &str) -> &'a Value {
    report.iter().find(|said| said["check"] == check).unwrap_or_else(|| panic!("no {check} in {report:#?}"))
}

#[test]
fn the_way_over_udp_is_tried_beside_the_node() {
    let world = World::new("doctor");
    let mut gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let all_pass = ["udp", "gateway", "clock", "service", "store"];
    wait_for("all to be well", Duration::from_secs(60), || {
        let report = report(&node);
        let bad = all_pass.iter().map(|check| of(&report, check)).find(|said| said["outcome"] != "pass");
        bad.map_or(Ok(()), |said| Err(format!("{said:#}")))
    });
    let status = node.status().expect("the node answers");
    assert_eq!(status["gateways"][0]["state"]["is"], "connected", "nobody was displaced: {status:#}");
    world.router().udp_blackhole(true);
    let blocked = report(&node);
    let said = of(&blocked, "udp");
    assert_eq!(said["outcome"], "warn", "TLS carries it: {said:#}");
    assert!(said["mend"].as_str().is_some_and(|mend| mend.starts_with("let UDP to ")), "{said:#}");
    gateway.process.kill();
    let gone = report(&node);
    assert_eq!(
        (&of(&gone, "udp")["outcome"], &of(&gone, "gateway")["outcome"]),
        (&"fail".into(), &"fail".into())
    );
}
