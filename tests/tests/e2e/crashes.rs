//! Processes that die, or stand still: everybody learns it at once, and everything comes back by itself.

use std::time::{Duration, Instant};

use e2e::checked::{Load, Running, transfer};
use e2e::{Gateway, Host, World, wait_for};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

fn gateway(world: &World) -> Gateway {
    world.gateway("g1").serving(7001, "checked", "n1").start()
}

fn carries(client: &Host, gateway: &Gateway) -> Result<(), String> {
    client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(100_000))).map(|_| ())
}

/// Opens a checked stream that stays: some bytes up, some down, nothing after that.
async fn hold(gateway: std::net::SocketAddr) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(gateway).await?;
    // Seed, bytes wanted, rate.
    socket.write_all(&[1_u64.to_be_bytes(), 1000_u64.to_be_bytes(), u64::MAX.to_be_bytes()].concat()).await?;
    socket.read_exact(&mut [0; 1000]).await?;
    Ok(socket)
}

#[test]
fn a_killed_gateway_ends_its_1000_streams_at_once_and_its_nodes_come_back() {
    let world = World::alone("kill-gateway");
    let mut gateway = gateway(&world);
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let address = gateway.at(7001);
    let mut held = Vec::new();
    client.namespace().block_on(async {
        for _ in 0..1000 {
            held.push(hold(address).await.expect("a stream").into_std().expect("a socket"));
        }
    });
    assert_eq!(node.checked.open(), 1000);
    gateway.process.kill();
    let killed = Instant::now();
    client.namespace().block_on(async {
        let mut ends = JoinSet::new();
        for socket in held {
            let mut socket = TcpStream::from_std(socket).expect("a socket");
            // Whether as an end or as a reset, it must be over.
            ends.spawn(async move { socket.read(&mut [0; 64]).await.map_or(0, |count| count) });
        }
        let over = tokio::time::timeout(Duration::from_secs(10), ends.join_all()).await;
        let over = over.expect("some client still waits 10 s after the kill");
        assert!(over.iter().all(|&count| count == 0), "bytes out of nowhere");
    });
    gateway.restart();
    let restarted = Instant::now();
    wait_for("the node to be back", Duration::from_secs(30), || carries(&client, &gateway));
    println!("all ends seen by {:?}, back {:?} after the start", restarted - killed, restarted.elapsed());
    wait_for("the node to let go of the old streams", Duration::from_secs(60), || {
        match node.checked.open() {
            0 => Ok(()),
            open => Err(format!("{open} are open")),
        }
    });
}

#[test]
fn nodes_are_usually_back_within_5_s() {
    let world = World::new("back-soon");
    let mut gateway = gateway(&world);
    let client = world.host("client");
    let _node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let mut times = Vec::new();
    for _ in 0..3 {
        gateway.process.kill();
        std::thread::sleep(Duration::from_millis(300));
        gateway.restart();
        let begin = Instant::now();
        wait_for("the node to be back", Duration::from_secs(30), || carries(&client, &gateway));
        times.push(begin.elapsed());
    }
    times.sort();
    assert!(times[1] < Duration::from_secs(5), "{times:?}");
}

#[test]
fn a_killed_node_ends_its_streams_and_comes_back() {
    let world = World::new("kill-node");
    let gateway = gateway(&world);
    let client = world.host("client");
    let mut node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let stream = Running::start(&client, gateway.at(7001), Load::steady());
    node.process.kill();
    // A dead process cannot say goodbye over UDP. Silence is death after 45 s, and for 10 s more the stream looks for
    // another tunnel of the same node.
    let outcome = stream.ends(Duration::from_secs(70));
    assert!(outcome.is_err(), "{outcome:?}");
    node.restart();
    let begin = Instant::now();
    wait_for("the node to be back", Duration::from_secs(30), || carries(&client, &gateway));
    println!("back after {:?}", begin.elapsed());
}

#[test]
fn a_killed_node_is_given_up_sooner_where_its_kernel_says_goodbye() {
    let world = World::new("kill-node-tls");
    let gateway = gateway(&world);
    let client = world.host("client");
    let mut node = world.node("n1").behind_firewall().dials_over(&gateway, "tls").connected();
    let stream = Running::start(&client, gateway.at(7001), Load::steady());
    node.process.kill();
    // 10 s for another tunnel, and less than the 45 s of a silent one even on a busy machine.
    let outcome = stream.ends(Duration::from_secs(40));
    assert!(outcome.is_err(), "{outcome:?}");
}

#[test]
fn a_node_killed_and_started_at_once_displaces_itself() {
    let world = World::new("restart-node");
    let gateway = gateway(&world);
    let client = world.host("client");
    let mut node = world.node("n1").behind_firewall().dials(&gateway).connected();
    for _ in 0..3 {
        let stream = Running::start(&client, gateway.at(7001), Load::steady());
        node.process.kill();
        node.restart();
        wait_for("the new start to be reached", Duration::from_secs(30), || carries(&client, &gateway));
        let outcome = stream.ends(Duration::from_secs(30));
        assert!(outcome.is_err(), "a stream of the process that died: {outcome:?}");
    }
}

#[test]
fn a_gateway_that_stands_still_for_20_s_goes_on_where_it_was() {
    let world = World::new("stop-gateway");
    let gateway = gateway(&world);
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let stream = Running::start(&client, gateway.at(7001), Load::steady());
    gateway.process.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(20));
    gateway.process.signal(Signal::CONT);
    wait_for("new streams", Duration::from_secs(30), || carries(&client, &gateway));
    stream.moves_within(Duration::from_secs(30));
    stream.finish().expect("whole");
    node.is_connected(Duration::from_secs(30));
}
