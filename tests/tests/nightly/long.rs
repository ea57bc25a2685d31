//! Much data, many streams, much time.

use std::time::{Duration, Instant};

use e2e::World;
use e2e::checked::{Load, Totals, Watch, transfer};
use tokio::task::JoinSet;

fn ten_gigabytes(carrier: &str) {
    let world = World::alone(&format!("10-gb-{carrier}"));
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials_over(&gateway, carrier).connected();
    let begin = Instant::now();
    client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(10_000_000_000))).expect("whole");
    println!("{carrier}: 10 GB each way in {:?}", begin.elapsed());
    for process in [&gateway.process, &node.process] {
        assert!(process.holdings().rss < 256 * 1024, "{:?}", process.holdings());
    }
}

#[test]
fn ten_gigabytes_each_way_over_quic() {
    ten_gigabytes("quic");
}

#[test]
fn ten_gigabytes_each_way_over_tls() {
    ten_gigabytes("tls");
}

/// 1,000 sessions at 20 kB/s each way for five minutes, and somebody who comes anew all the time.
#[test]
fn a_thousand_sessions_for_five_minutes() {
    let world = World::alone("thousand");
    let gateway = world.gateway("g1").serving(7001, "checked", "any").start();
    let client = world.host("client");
    let _nodes = ["n1", "n2", "n3"].map(|id| world.node(id).behind_firewall().dials(&gateway).connected());
    let before = gateway.process.holdings();
    let watch = Watch::start(&client, gateway.at(7001));
    let (address, rate) = (gateway.at(7001), 20_000);
    let load = Load { up: 300 * rate, down: 300 * rate, rate };
    client.namespace().block_on(async {
        let mut sessions = JoinSet::new();
        for _ in 0..1000 {
            sessions.spawn(transfer(address, load));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while let Some(session) = sessions.join_next().await {
            session.expect("no panic").expect("whole");
        }
    });
    watch.finish().is_good("beside 1,000 sessions", Duration::from_secs(5));
    let after = gateway.process.holdings();
    println!("{before:?} -> {after:?}");
    assert!(after.fds <= before.fds + 16, "{before:?} -> {after:?}");
}

/// 200,000 streams: a leak of 100 bytes each would be 20 MB.
#[test]
fn two_hundred_thousand_streams_leave_nothing() {
    let world = World::alone("many");
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let address = gateway.at(7001);
    let round = |count: usize| {
        client.namespace().block_on(async {
            let mut running: JoinSet<Result<Totals, String>> = JoinSet::new();
            for _ in 0..count {
                if running.len() == 100 {
                    running.join_next().await.expect("a hundred").expect("no panic").expect("whole");
                }
                running.spawn(transfer(address, Load::both_ways(100)));
            }
            while let Some(one) = running.join_next().await {
                one.expect("no panic").expect("whole");
            }
        });
        // The kernel keeps a closed connection's port for a minute; a client has 28,000 of them.
        std::thread::sleep(Duration::from_secs(61));
        [gateway.process.holdings(), node.process.holdings()]
    };
    let before = round(20_000);
    let mut after = before;
    for _ in 0..10 {
        after = round(20_000);
    }
    println!("{before:?} -> {after:?}");
    for (before, after) in before.iter().zip(&after) {
        // A node's threads for files come and go.
        assert!(
            after.fds <= before.fds + 8 && after.threads <= before.threads + 8,
            "{before:?} -> {after:?}"
        );
        assert!(after.rss <= before.rss + 16 * 1024, "{before:?} -> {after:?}");
    }
}
