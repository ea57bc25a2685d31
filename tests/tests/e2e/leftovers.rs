//! Streams that are over leave nothing behind.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::checked::{Load, transfer};
use e2e::process::Holdings;
use e2e::{Gateway, Host, Node, World, wait_for};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What the allocator may keep of memory that was free again, KiB.
const SLACK_KIB: usize = 16 * 1024;
/// A node's threads for files come and go, as it looks at its disks and sessions; streams have none.
const SLACK_THREADS: usize = 8;

/// `count` streams, a hundred at a time; every fourth is torn down in the middle.
fn come_and_go(client: &Host, gateway: SocketAddr, count: usize) {
    client.namespace().block_on(async {
        let mut running: JoinSet<Result<(), String>> = JoinSet::new();
        for n in 0..count {
            if running.len() == 100 {
                running
                    .join_next()
                    .await
                    .expect("a hundred")
                    .expect("no panic")
                    .unwrap_or_else(|e| panic!("{e}"));
            }
            running.spawn(async move {
                if n % 4 == 3 {
                    return tear(gateway).await.map_err(|e| e.to_string());
                }
                transfer(gateway, Load::both_ways(2000)).await.map(|_| ())
            });
        }
        while let Some(result) = running.join_next().await {
            result.expect("no panic").unwrap_or_else(|e| panic!("{e}"));
        }
    });
}

/// Asks for a lot and hangs up without reading it.
async fn tear(gateway: SocketAddr) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(gateway).await?;
    socket.write_all(&[1_u64.to_be_bytes(), 200_000_u64.to_be_bytes(), u64::MAX.to_be_bytes()].concat()).await
}

fn settled(gateway: &Gateway, node: &Node) -> [Holdings; 2] {
    wait_for("all streams to be over", Duration::from_secs(60), || {
        let (streams, open) = (node.status()?["streams"].clone(), node.checked.open());
        if streams == 0 && open == 0 { Ok(()) } else { Err(format!("{streams} streams, {open} connections")) }
    });
    std::thread::sleep(Duration::from_secs(2));
    [gateway.process.holdings(), node.process.holdings()]
}

fn leave_nothing(carrier: &str) {
    let world = World::alone(&format!("leftovers-{carrier}"));
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials_over(&gateway, carrier).connected();
    come_and_go(&client, gateway.at(7001), 2000);
    let before = settled(&gateway, &node);
    come_and_go(&client, gateway.at(7001), 10_000);
    let after = settled(&gateway, &node);
    println!("{carrier}: {before:?} -> {after:?}");
    for (who, before, after) in [("gateway", before[0], after[0]), ("node", before[1], after[1])] {
        assert!(after.fds <= before.fds + 8, "{who}: {before:?} -> {after:?}");
        assert!(after.threads <= before.threads + SLACK_THREADS, "{who}: {before:?} -> {after:?}");
        assert!(after.rss <= before.rss + SLACK_KIB, "{who}: {before:?} -> {after:?}");
    }
}

#[test]
fn ten_thousand_streams_over_quic_leave_nothing() {
    leave_nothing("quic");
}

#[test]
fn ten_thousand_streams_over_tls_leave_nothing() {
    leave_nothing("tls");
}
