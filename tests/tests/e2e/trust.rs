//! Who may be which server: the first key of a server id is the only one, until an administrator says else.

use std::time::{Duration, Instant};

use e2e::checked::{Load, Running, transfer};
use e2e::{Gateway, Node, World, wait_for};
use serde_json::json;

fn gateway(world: &World) -> Gateway {
    world.gateway("g1").serving(7001, "checked", "n1").start()
}

/// Waits until the gateway's refusal with this code stands in the node's own status.
fn is_refused(node: &Node, code: &str, within: Duration) {
    wait_for(&format!("{} to be refused with {code}", node.host().name()), within, || {
        let state = node.link(0)?["state"].clone();
        if state["is"] == "refused" && state["code"] == code { Ok(()) } else { Err(format!("{state:#}")) }
    });
}

#[test]
fn a_stolen_gateway_json_does_not_give_away_a_server() {
    let world = World::new("thief");
    let gateway = gateway(&world);
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let stream = Running::start(&client, gateway.at(7001), Load::steady());
    let before = node.link(0).expect("a status");
    let thief = world.node("thief").called("n1").dials(&gateway).start();
    is_refused(&thief, "key-mismatch", Duration::from_secs(30));
    let shown = gateway.tell("nodes", &[]);
    assert!(shown.contains(&thief.host().ip().to_string()), "the thief's address is not shown:\n{shown}");
    assert!(gateway.metric("fastx_gateway_key_conflicts_total") >= 1.0);
    // The real one has noticed nothing.
    stream.moves_within(Duration::from_secs(10));
    assert_eq!(node.link(0).expect("a status")["since"], before["since"]);
    stream.finish().expect("whole");
    drop(node);
    std::thread::sleep(Duration::from_secs(2));
    is_refused(&thief, "key-mismatch", Duration::from_secs(10));
    let stolen = client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(100)));
    assert!(stolen.is_err(), "the thief serves n1's clients");
}

#[test]
fn a_revoked_node_is_cut_within_2_s() {
    for carrier in ["quic", "tls"] {
        let world = World::new(&format!("revoked-{carrier}"));
        let gateway = gateway(&world);
        let client = world.host("client");
        let mut node = world.node("n1").behind_firewall().dials_over(&gateway, carrier).connected();
        let stream = Running::start(&client, gateway.at(7001), Load::steady());
        let begin = Instant::now();
        gateway.tell("revoke", &["n1"]);
        let outcome = stream.ends(Duration::from_secs(2));
        assert!(outcome.is_err(), "{outcome:?}");
        assert!(begin.elapsed() < Duration::from_secs(2), "cut after {:?}", begin.elapsed());
        is_refused(&node, "revoked", Duration::from_secs(30));
        let again = client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(100)));
        assert!(again.is_err(), "a revoked node still serves");
        gateway.tell("revoke", &["--undo", "n1"]);
        node.process.kill();
        node.restart();
        node.is_connected(Duration::from_secs(30));
    }
}

#[test]
fn a_wrong_token_is_refused_and_said_so_on_both_sides() {
    let world = World::new("token");
    let gateway = gateway(&world);
    let prepared = world.node("n1").dials(&gateway).prepared();
    let mut file = gateway.invitation();
    let entry = if file.is_array() { &mut file[0] } else { &mut file };
    entry["token"] = json!("0123456789abcdef0123456789abcdef");
    prepared.write("gateway.json", &file);
    let node = prepared.started();
    is_refused(&node, "bad-token", Duration::from_secs(30));
    let status = node.status().expect("a status").to_string();
    assert!(!status.contains("0123456789abcdef"), "the status shows the token");
    assert!(!node.process.log().contains("0123456789abcdef"), "the log shows the token");
    assert!(gateway.process.log().contains("token"), "the gateway's log is silent about it");
}

#[test]
fn a_gateway_with_another_certificate_is_not_believed() {
    let world = World::new("impostor");
    let (gateway, impostor) = (gateway(&world), world.gateway("impostor").start());
    let prepared = world.node("n1").dials(&gateway).prepared();
    let mut file = gateway.invitation();
    let entry = if file.is_array() { &mut file[0] } else { &mut file };
    entry["host"] = json!(impostor.host().ip().to_string());
    prepared.write("gateway.json", &file);
    let node = prepared.started();
    wait_for("the reason", Duration::from_secs(30), || {
        let link = node.link(0)?;
        let said = link["lastError"]["what"].as_str().unwrap_or_default();
        if said.contains("certificate") { Ok(()) } else { Err(format!("{link:#}")) }
    });
    assert!(!impostor.nodes().to_string().contains("\"n1\""), "it went in");
}
