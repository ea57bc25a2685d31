//! Networks that block, shrink, rebind or lose UDP: the tunnel finds another way, and a stream is whole or it is over.

use std::time::{Duration, Instant};

use e2e::checked::{Load, Running, transfer, transfer_within};
use e2e::{Gateway, Host, Node, World, node, wait_for};

fn gateway(world: &World) -> Gateway {
    world.gateway("g1").serving(7001, "checked", "n1").start()
}

fn carries(client: &Host, gateway: &Gateway, bytes: u64) -> Result<(), String> {
    client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(bytes))).map(|_| ())
}

/// On a busy machine TLS may win the race; then QUIC is tried again after about 30 s.
const QUIC_WITHIN: Duration = Duration::from_secs(90);

fn connected(world: &World, gateway: &Gateway) -> Node {
    let node = world.node("n1").behind_firewall().dials(gateway).connected();
    node.is_carried_by("quic", QUIC_WITHIN);
    node
}

#[test]
fn without_udp_the_node_is_there_over_tls() {
    let world = World::new("no-udp");
    let gateway = gateway(&world);
    let client = world.host("client");
    world.router().udp_blackhole(true);
    let node = world.node("n1").behind_firewall().dials(&gateway).start();
    node.is_carried_by("tls", Duration::from_secs(30));
    wait_for("the first transfer", Duration::from_secs(10), || carries(&client, &gateway, 100_000));
    carries(&client, &gateway, 20 << 20).expect("whole over TLS");
    let shown = gateway.nodes().to_string();
    assert!(shown.contains("tls"), "{shown}");
    let before = Running::start(&client, gateway.at(7001), Load::steady());
    world.router().udp_blackhole(false);
    node.is_carried_by("quic", QUIC_WITHIN);
    let totals = before.finish().expect("the stream on TLS outlives the move to QUIC");
    assert!(totals.down > 0);
}

#[test]
fn udp_that_dies_in_mid_life_costs_no_byte() {
    let world = World::new("udp-dies");
    let gateway = gateway(&world);
    let client = world.host("client");
    let node = connected(&world, &gateway);
    let old = Running::start(&client, gateway.at(7001), Load::steady());
    world.router().udp_blackhole(true);
    let begin = Instant::now();
    wait_for("a new stream to pass", Duration::from_secs(30), || {
        let load = Load::both_ways(10_000);
        client.namespace().block_on(transfer_within(gateway.at(7001), load, Duration::from_secs(3)))
    });
    node.is_carried_by("tls", Duration::from_secs(30));
    let new = Running::start(&client, gateway.at(7001), Load::steady());
    // Long enough to be a real outage, short enough that the old tunnel may still come back.
    std::thread::sleep(Duration::from_secs(20).saturating_sub(begin.elapsed()));
    world.router().udp_blackhole(false);
    old.moves_within(Duration::from_secs(30));
    node.is_carried_by("quic", QUIC_WITHIN);
    new.moves_within(Duration::from_secs(10));
    old.finish().expect("the stream on QUIC is whole across the outage");
    new.finish().expect("the stream on TLS is whole across the move back");
}

#[test]
fn a_path_of_1280_bytes_carries_everything() {
    let world = World::new("mtu");
    let gateway = gateway(&world);
    let client = world.host("client");
    let host = world.host_with_mtu("n1", 1280);
    let node = node::Setup::on(host).behind_firewall().dials(&gateway).connected();
    node.is_carried_by("quic", QUIC_WITHIN);
    carries(&client, &gateway, 20 << 20).expect("whole");
    let link = node.link(0).expect("a status");
    let mtu = link["tunnels"][0]["mtu"].as_u64().expect("QUIC has one");
    // 1280 less 20 for IPv4 and 8 for UDP.
    assert!((1200..=1252).contains(&mtu), "{link:#}");
}

#[test]
fn the_mtu_of_a_larger_path_is_found() {
    let world = World::new("jumbo");
    let gateway = gateway(&world);
    let node = connected(&world, &gateway);
    wait_for("the MTU of an Ethernet", Duration::from_secs(10), || {
        let link = node.link(0)?;
        let mtu = link["tunnels"][0]["mtu"].as_u64().unwrap_or_default();
        // 1500 less 28.
        if (1400..=1472).contains(&mtu) { Ok(()) } else { Err(format!("{link:#}")) }
    });
}

#[test]
fn rebound_nat_is_not_noticed_by_a_stream() {
    let world = World::new("rebinding");
    let gateway = gateway(&world);
    let client = world.host("client");
    let host = world.host("n1");
    world.router().nat(&host);
    let node = node::Setup::on(host).behind_firewall().dials(&gateway).connected();
    node.is_carried_by("quic", QUIC_WITHIN);
    let stream = Running::start(&client, gateway.at(7001), Load::steady());
    for _ in 0..3 {
        world.router().rebind_nat(node.host());
        // The node's next packet shows the gateway the new address; both ways run again then.
        std::thread::sleep(Duration::from_millis(500));
        stream.moves_within(Duration::from_secs(30));
    }
    stream.finish().expect("whole");
    node.is_carried_by("quic", QUIC_WITHIN);
    carries(&client, &gateway, 1 << 20).expect("new streams too");
}

#[test]
fn udp_in_one_direction_only_is_no_udp() {
    let world = World::new("one-way");
    let gateway = gateway(&world);
    let client = world.host("client");
    world.router().udp_one_way(gateway.host(), true);
    let node = world.node("n1").behind_firewall().dials(&gateway).start();
    node.is_carried_by("tls", Duration::from_secs(30));
    carries(&client, &gateway, 1 << 20).expect("whole over TLS");
}

#[test]
fn udp_that_ends_in_one_direction_is_noticed() {
    let world = World::new("one-way-later");
    let gateway = gateway(&world);
    let client = world.host("client");
    let node = connected(&world, &gateway);
    world.router().udp_one_way(node.host(), true);
    node.is_carried_by("tls", Duration::from_secs(40));
    carries(&client, &gateway, 1 << 20).expect("whole over TLS");
}
