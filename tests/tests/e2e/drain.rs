//! Going away in order: what runs finishes, what is new goes elsewhere, and the process ends by itself.

use std::time::Duration;

use e2e::checked::{Load, Running, transfer};
use e2e::wait::wait_until;
use e2e::{Gateway, Host, Node, World, wait_for};
use rustix::process::Signal;
use serde_json::json;

/// 6 MiB at 1 MiB/s: still running when the drain begins, done before its deadline.
const DOWNLOAD: Load = Load { up: 1000, down: 6 << 20, rate: 1 << 20 };

fn gateway(world: &World, name: &str, drain: &str) -> Gateway {
    world.gateway(name).serving(7001, "checked", "n1").with("drain", json!(drain)).start()
}

/// Soon, and while the download still runs.
fn takes_nothing_new(client: &Host, gateway: &Gateway) {
    wait_until("new connections to be refused", Duration::from_secs(5), || {
        client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(100))).is_err()
    });
}

#[test]
fn a_gateway_that_drains_finishes_a_download_and_the_other_takes_over() {
    let world = World::new("drain-gateway");
    let (mut g1, g2) = (gateway(&world, "g1", "30s"), gateway(&world, "g2", "30s"));
    let client = world.host("client");
    let _node = world.node("n1").behind_firewall().dials(&g1).dials(&g2).connected();
    let download = Running::start(&client, g1.at(7001), DOWNLOAD);
    g1.process.signal(Signal::TERM);
    takes_nothing_new(&client, &g1);
    client.namespace().block_on(transfer(g2.at(7001), Load::both_ways(100_000))).expect("the other gateway");
    let totals = download.ends(Duration::from_secs(60)).expect("the download is whole");
    assert_eq!(totals.down, 6 << 20);
    let status = g1.process.ends(Duration::from_secs(30));
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn a_drain_does_not_wait_longer_than_its_deadline() {
    let world = World::new("drain-deadline");
    let mut gateway = gateway(&world, "g1", "2s");
    let client = world.host("client");
    let _node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let endless = Running::start(&client, gateway.at(7001), Load::steady());
    gateway.process.signal(Signal::TERM);
    let status = gateway.process.ends(Duration::from_secs(20));
    assert_eq!(status.code(), Some(0), "{status}");
    let outcome = endless.ends(Duration::from_secs(10));
    assert!(outcome.is_err(), "{outcome:?}");
}

#[test]
fn a_drain_asked_for_on_the_admin_socket_is_the_same() {
    let world = World::new("drain-asked");
    let mut gateway = gateway(&world, "g1", "30s");
    let client = world.host("client");
    let _node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let download = Running::start(&client, gateway.at(7001), DOWNLOAD);
    let (status, said) = gateway.ask("POST", "/drain").expect("an answer");
    assert!((200..300).contains(&status), "{status}: {said}");
    download.ends(Duration::from_secs(60)).expect("the download is whole");
    let status = gateway.process.ends(Duration::from_secs(30));
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn a_node_that_goes_away_finishes_a_download() {
    for carrier in ["quic", "tls"] {
        let world = World::new(&format!("drain-node-{carrier}"));
        let gateway = gateway(&world, "g1", "30s");
        let client = world.host("client");
        let mut node = world.node("n1").behind_firewall().dials_over(&gateway, carrier).connected();
        let download = Running::start(&client, gateway.at(7001), DOWNLOAD);
        node.process.signal(Signal::TERM);
        takes_nothing_new(&client, &gateway);
        download.ends(Duration::from_secs(60)).unwrap_or_else(|e| panic!("{carrier}: {e}"));
        let status = node.process.ends(Duration::from_secs(30));
        assert_eq!(status.code(), Some(0), "{carrier}: {status}");
    }
}

/// `fastx server WORD`, and until the gateway's list has the state.
fn tells(node: &Node, word: &str, gateway: &Gateway, state: &str) {
    wait_for(word, Duration::from_secs(60), || {
        let mut command = node.files().command(&["server", word]);
        let output =
            node.host().namespace().inside(|| command.output()).map_err(|error| error.to_string())?;
        if output.status.success() { Ok(()) } else { Err(format!("{output:?}")) }
    });
    wait_for(state, Duration::from_secs(60), || {
        let list = gateway.nodes();
        let nodes = list["nodes"].as_array().ok_or("no list")?;
        let one = nodes.iter().find(|one| one["server"] == node.host().name());
        if one.is_some_and(|one| one["state"] == state) { Ok(()) } else { Err(format!("{list:#}")) }
    });
}

#[test]
fn of_a_node_that_is_drained_new_streams_go_to_another_and_old_ones_stay() {
    let world = World::new("drain-rest");
    let gateway = world.gateway("g1").serving(7000, "checked", "any").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let [n1, n2] = ["n1", "n2"].map(|id| world.node(id).behind_firewall().dials(&gateway).connected());
    let old = Running::start(&client, gateway.at(7001), Load::steady());
    tells(&n1, "drain", &gateway, "draining");
    let start = || Running::start(&client, gateway.at(7000), Load::steady());
    let new: Vec<_> = (0..6).map(|_| start()).collect();
    assert_eq!((n1.checked.open(), n2.checked.open()), (1, 6));
    client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(100))).expect("who names it");
    tells(&n1, "undrain", &gateway, "connected");
    let more: Vec<_> = (0..3).map(|_| start()).collect();
    assert_eq!(n2.checked.open(), 6, "the other one has less to do");
    for stream in new.into_iter().chain(more).chain([old]) {
        stream.finish().expect("whole");
    }
}
