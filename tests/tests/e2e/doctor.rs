//! `fastx doctor` looks at the ways to a gateway, and disturbs nobody.

use std::time::Duration;

use e2e::{Node, World, wait_for};
use serde_json::Value;

/// The exit code, and what one check says.
fn doctor(node: &Node, check: &str) -> (Option<i32>, Value) {
    let mut command = node.files().command(&["doctor", "--json"]);
    let output = node.host().namespace().inside(|| command.output()).expect("fastx runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks = report["checks"].as_array().expect("a list").clone();
    let said = checks.into_iter().find(|said| said["check"] == check);
    (output.status.code(), said.unwrap_or_else(|| panic!("no {check} in {report:#}")))
}

#[test]
fn the_way_over_udp_is_tried_beside_the_node() {
    let world = World::new("doctor");
    let mut gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    for check in ["udp", "gateway", "clock", "service", "store"] {
        let (_, said) = doctor(&node, check);
        assert_eq!(said["outcome"], "pass", "{said:#}");
    }
    let status = node.status().expect("the node answers");
    assert_eq!(status["gateways"][0]["state"]["is"], "connected", "nobody was displaced: {status:#}");
    world.router().udp_blackhole(true);
    let (_, said) = doctor(&node, "udp");
    assert_eq!(said["outcome"], "warn", "TLS carries it: {said:#}");
    assert!(said["mend"].as_str().is_some_and(|mend| mend.starts_with("let UDP to ")), "{said:#}");
    gateway.process.kill();
    wait_for("the gateway to be missed", Duration::from_secs(30), || match doctor(&node, "gateway") {
        (Some(1), said) if said["outcome"] == "fail" => Ok(()),
        other => Err(format!("{other:?}")),
    });
}
