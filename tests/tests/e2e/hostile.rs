//! Nodes that break the protocol: the gateway stays small and the others notice nothing.

use std::process::Command;
use std::time::Duration;

use e2e::checked::{Load, Watch, transfer};
use e2e::{Gateway, World, programs};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// What one hostile tunnel may cost: its receive window of 64 MiB, as much that was sent and is kept until it is read, a
/// send window of 16 MiB, and the allocator's slack.
const GROWTH_KIB: usize = 192 * 1024;
/// Until a silent tunnel is dead (45 s), and its streams have looked for another one in vain (10 s).
const LET_GO: Duration = Duration::from_secs(90);
/// A good client's stream of 50 kB, on two busy cores; one that waits for the hostile waits for ever.
const PATIENCE: Duration = Duration::from_secs(5);

fn against(what: &str, clients_of_the_hostile: usize) {
    let world = World::new(&format!("hostile-{what}"));
    let services = |port, id| (port, "checked", id);
    let mut setup = world.gateway("g1");
    for (port, service, id) in [services(7001, "n1"), services(7002, "evil")] {
        setup = setup.serving(port, service, id);
    }
    let gateway = setup.start();
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(1 << 20))).expect("warm");
    let before = gateway.process.holdings();
    let host = world.host("evil");
    let file = gateway.files().config("gateway.json");
    let mut command = Command::new(programs::hostile_node());
    let evil = host.start("hostile-node", command.arg(file).args(["evil", what]));
    if clients_of_the_hostile > 0 {
        e2e::wait::wait_until("the hostile node to be in", Duration::from_secs(15), || {
            evil.log().contains("connected")
        });
    }
    let watch = Watch::start(&client, gateway.at(7001));
    visit(&world, &gateway, clients_of_the_hostile, Duration::from_secs(6));
    let after = gateway.process.holdings();
    println!("{what}: {before:?} -> {after:?}; said {:?}", evil.log().lines().last());
    watch.finish().is_good(what, PATIENCE);
    assert!(after.rss < before.rss + GROWTH_KIB, "{what}: {before:?} -> {after:?}");
    drop(evil);
    node.is_connected(Duration::from_secs(10));
    e2e::wait::wait_until("the gateway to let go of it", LET_GO, || {
        gateway.process.holdings().fds <= before.fds + 16
    });
}

/// Clients that went to the wrong node: they send all they can and never read.
fn visit(world: &World, gateway: &Gateway, count: usize, during: Duration) {
    let host = world.host("visitors");
    let address = gateway.at(7002);
    host.namespace().block_on(async {
        let mut visitors = tokio::task::JoinSet::new();
        for _ in 0..count {
            visitors.spawn(async move {
                let Ok(mut socket) = TcpStream::connect(address).await else { return };
                while socket.write_all(&[7; 65536]).await.is_ok() {}
            });
        }
        tokio::time::sleep(during).await;
    });
}

#[test]
fn opening_streams_without_end_opens_nothing() {
    against("streams", 0);
}

#[test]
fn a_node_that_never_reads_fills_only_its_own_window() {
    against("mute", 50);
}

#[test]
fn a_node_that_floods_its_clients_fills_only_its_own_window() {
    against("flood", 50);
}

#[test]
fn nonsense_for_an_answer_ends_that_stream_only() {
    against("nonsense", 50);
}

#[test]
fn the_greatest_control_messages_without_end_are_cut_off() {
    against("giant", 0);
}

#[test]
fn random_bytes_in_tls_of_every_protocol_are_thrown_out() {
    against("garbage", 0);
}

#[test]
fn lengths_of_4_gib_are_not_believed() {
    against("lengths", 0);
}

#[test]
fn connections_that_say_nothing_are_dropped() {
    against("half", 0);
}

#[test]
fn random_packets_change_nothing() {
    against("packets", 0);
}
