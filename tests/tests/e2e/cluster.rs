//! Two gateways and three nodes that let nothing in: who is reached, from where, and over whom.

use std::time::Duration;

use e2e::checked::{Load, transfer};
use e2e::curl::{Response, curl};
use e2e::{Gateway, Host, World, node, wait_for};
use serde_json::json;

fn gateway(world: &World, name: &str) -> Gateway {
    let mut setup = world.gateway(name);
    for (port, id) in [(7001, "n1"), (7002, "n2"), (7003, "n3")] {
        setup = setup.serving(port, "checked", id);
    }
    setup.serving(7000, "checked", "any").start()
}

fn health(client: &Host, gateway: &Gateway, id: &str) -> Response {
    let url = format!("https://{}/@{id}/api/health", gateway.host().ip());
    curl(client, &gateway.ca(), &[&url])
}

fn carries(client: &Host, gateway: &Gateway, port: u16) -> Result<(), String> {
    let load = Load::both_ways(300_000);
    client.namespace().block_on(transfer(gateway.at(port), load)).map(|_| ())
}

#[test]
fn every_node_is_reached_at_both_gateways() {
    let world = World::new("cluster");
    let (g1, g2) = (gateway(&world, "g1"), gateway(&world, "g2"));
    let client = world.host("client");
    let nodes = ["n1", "n2", "n3"].map(|id| world.node(id).behind_firewall().dials(&g1).dials(&g2).start());
    for node in &nodes {
        node.is_connected(Duration::from_secs(30));
        // On a busy machine TLS may win the race; then QUIC is tried again after about 30 s.
        node.is_carried_by("quic", Duration::from_secs(90));
    }
    for gateway in [&g1, &g2] {
        for (id, port) in [("n1", 7001), ("n2", 7002), ("n3", 7003)] {
            let answer = health(&client, gateway, id);
            assert_eq!(answer.status, 200, "{id} at {}: {answer:?}", gateway.host().name());
            carries(&client, gateway, port).unwrap_or_else(|e| panic!("{id}: {e}"));
        }
        carries(&client, gateway, 7000).expect("any node");
        let listed = gateway.nodes().to_string();
        assert!(["n1", "n2", "n3"].iter().all(|id| listed.contains(&format!("\"{id}\""))), "{listed}");
    }
}

#[test]
fn a_node_is_reached_only_where_it_dials() {
    let world = World::new("subset");
    let (g1, g2) = (gateway(&world, "g1"), gateway(&world, "g2"));
    let client = world.host("client");
    let _n1 = world.node("n1").behind_firewall().dials(&g1).connected();
    let _n2 = world.node("n2").behind_firewall().dials(&g2).connected();
    for (here, there, id, port) in [(&g1, &g2, "n1", 7001), (&g2, &g1, "n2", 7002)] {
        assert_eq!(health(&client, here, id).status, 200);
        carries(&client, here, port).expect("its own gateway");
        let answer = health(&client, there, id);
        assert!((400..600).contains(&answer.status), "{answer:?}");
        assert!(answer.text().contains(id), "the answer does not name the server: {}", answer.text());
        assert!(carries(&client, there, port).is_err());
    }
}

#[test]
fn a_node_without_a_tunnel_is_reached_over_its_neighbour() {
    let world = World::new("lan");
    let g1 = gateway(&world, "g1");
    let client = world.host("client");
    let (n1, n2) = (world.host("n1"), world.island("n2"));
    let (here, there) = n1.lan(&n2);
    let (n1, n2) = (node::Setup::on(n1).behind_firewall().dials(&g1), node::Setup::on(n2));
    let (n1, n2) = (n1.prepared(), n2.prepared());
    let (key1, key2) = (n1.fingerprint(), n2.fingerprint());
    n1.write("lan.json", &json!({ "peers": { "n2": { "connect": format!("{there}:3310"), "key": key2 } } }));
    n2.write("lan.json", &json!({ "listen": format!("{there}:3310"), "peers": { "n1": { "key": key1 } } }));
    let (_n2, n1) = (n2.started(), n1.started());
    n1.is_connected(Duration::from_secs(30));
    assert_ne!(here, there);
    wait_for("n2 to be reached over n1", Duration::from_secs(30), || carries(&client, &g1, 7002));
    let answer = health(&client, &g1, "n2");
    assert_eq!(answer.status, 200, "{answer:?}");
    carries(&client, &g1, 7001).expect("n1 itself is still reached");
}
