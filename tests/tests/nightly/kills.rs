//! The same accident again and again: nothing adds up.

use std::time::Duration;

use e2e::checked::{Load, Running, transfer};
use e2e::process::{Holdings, Process};
use e2e::{Gateway, Host, World, wait_for};

const ROUNDS: usize = 30;

fn carries(client: &Host, gateway: &Gateway) -> Result<(), String> {
    client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(100_000))).map(|_| ())
}

/// After the last lost stream was given up (55 s), so that both figures are of a process that does nothing.
fn at_rest(process: &Process) -> Holdings {
    std::thread::sleep(Duration::from_secs(60));
    process.holdings()
}

#[test]
fn thirty_kills_of_the_gateway_leave_the_node_as_it_was() {
    let world = World::alone("kills-gateway");
    let mut gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let mut before = node.process.holdings();
    for round in 0..ROUNDS {
        let streams: Vec<_> =
            (0..20).map(|_| Running::start(&client, gateway.at(7001), Load::steady())).collect();
        gateway.process.kill();
        for stream in streams {
            assert!(stream.ends(Duration::from_secs(10)).is_err());
        }
        gateway.restart();
        wait_for("the node to be back", Duration::from_secs(30), || carries(&client, &gateway));
        println!("round {round}: {:?}", node.process.holdings());
        if round == 4 {
            before = at_rest(&node.process);
        }
    }
    let after = at_rest(&node.process);
    println!("{before:?} -> {after:?}");
    // A node's threads for files come and go.
    assert!(after.fds <= before.fds + 8 && after.threads <= before.threads + 8, "{before:?} -> {after:?}");
    assert!(after.rss <= before.rss + 16 * 1024, "{before:?} -> {after:?}");
}

#[test]
fn thirty_kills_of_a_node_leave_the_gateway_as_it_was() {
    let world = World::alone("kills-node");
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let mut node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let mut before = gateway.process.holdings();
    for round in 0..ROUNDS {
        let streams: Vec<_> =
            (0..20).map(|_| Running::start(&client, gateway.at(7001), Load::steady())).collect();
        node.process.kill();
        node.restart();
        wait_for("the node to be back", Duration::from_secs(30), || carries(&client, &gateway));
        for stream in streams {
            assert!(stream.ends(Duration::from_secs(60)).is_err());
        }
        println!("round {round}: {:?}", gateway.process.holdings());
        if round == 4 {
            before = at_rest(&gateway.process);
        }
    }
    let after = at_rest(&gateway.process);
    println!("{before:?} -> {after:?}");
    assert!(after.fds <= before.fds + 8 && after.threads <= before.threads, "{before:?} -> {after:?}");
    assert!(after.rss <= before.rss + 16 * 1024, "{before:?} -> {after:?}");
}

#[test]
fn udp_that_comes_and_goes_costs_no_byte() {
    let world = World::new("flapping");
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let stream = Running::start(&client, gateway.at(7001), Load::steady());
    for seconds in [1, 3, 5, 8, 12, 2, 20, 1, 10, 4] {
        world.router().udp_blackhole(true);
        std::thread::sleep(Duration::from_secs(seconds));
        world.router().udp_blackhole(false);
        stream.moves_within(Duration::from_secs(30));
        wait_for("new streams", Duration::from_secs(30), || carries(&client, &gateway));
    }
    stream.finish().expect("whole");
    node.is_carried_by("quic", Duration::from_secs(120));
}
