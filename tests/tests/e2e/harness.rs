//! The instruments are true: what a test relies on, shown without the programs under test.

use std::net::UdpSocket;
use std::time::Duration;

use e2e::World;
use e2e::checked::{CheckedServer, Load, Running, transfer};
use e2e::curl::curl;
use e2e::host::Host;
use e2e::services::{Nginx, Sshd};
use e2e::wait::wait_until;

/// Sends one datagram through the router; gives the source port that arrived, or nothing when none did.
fn ping(from: &Host, to: &Host, socket: &UdpSocket) -> Option<u16> {
    let there = udp(to);
    let port = there.local_addr().expect("bound").port();
    there.set_read_timeout(Some(Duration::from_secs(1))).expect("sets");
    socket.send_to(b"x", to.at(port)).unwrap_or_else(|e| panic!("{}: {e}", from.name()));
    there.recv_from(&mut [0; 8]).ok().map(|(_, source)| source.port())
}

#[test]
fn a_checked_stream_is_whole_and_counts_both_ways() {
    let world = World::new("checked");
    let (server, client) = (world.host("server"), world.host("client"));
    let _listener = CheckedServer::start(&server, "0.0.0.0:7000");
    let totals =
        client.namespace().block_on(transfer(server.at(7000), Load::both_ways(3_000_001))).expect("whole");
    assert_eq!((totals.up, totals.down), (3_000_001, 3_000_001));
    let running = Running::start(&client, server.at(7000), Load::steady());
    running.moves_within(Duration::from_secs(10));
    let totals = running.finish().expect("whole");
    assert!(totals.up > 0 && totals.down > 0);
}

#[test]
fn a_firewall_lets_out_and_not_in() {
    let world = World::new("firewall");
    let (inside, outside) = (world.host("inside"), world.host("outside"));
    inside.firewall();
    let _in = CheckedServer::start(&inside, "0.0.0.0:7000");
    let _out = CheckedServer::start(&outside, "0.0.0.0:7000");
    inside.namespace().block_on(transfer(outside.at(7000), Load::both_ways(1000))).expect("out");
    let address = inside.at(7000);
    let connect = outside
        .namespace()
        .inside(|| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(500)));
    assert!(connect.is_err(), "it came in");
}

#[test]
fn the_router_swallows_udp_and_lets_tcp_pass() {
    let world = World::new("blackhole");
    let (a, b) = (world.host("a"), world.host("b"));
    let _server = CheckedServer::start(&b, "0.0.0.0:7000");
    let (from_a, from_b) = (udp(&a), udp(&b));
    assert!(ping(&a, &b, &from_a).is_some());
    world.router().udp_blackhole(true);
    assert!(ping(&a, &b, &from_a).is_none());
    a.namespace().block_on(transfer(b.at(7000), Load::both_ways(1000))).expect("TCP passes");
    world.router().udp_blackhole(false);
    world.router().udp_one_way(&b, true);
    assert!(ping(&a, &b, &from_a).is_some());
    assert!(ping(&b, &a, &from_b).is_none());
}

#[test]
fn rebound_nat_shows_another_source_port() {
    let world = World::new("nat");
    let (a, b) = (world.host("a"), world.host("b"));
    let socket = udp(&a);
    world.router().nat(&a);
    let first = ping(&a, &b, &socket).expect("arrives");
    assert!((20_000..21_000).contains(&first), "{first}");
    assert_eq!(ping(&a, &b, &socket), Some(first));
    world.router().rebind_nat(&a);
    let second = ping(&a, &b, &socket).expect("arrives");
    assert!((21_000..22_000).contains(&second), "{second}");
}

fn udp(host: &Host) -> UdpSocket {
    host.namespace().inside(|| UdpSocket::bind(("0.0.0.0", 0))).expect("binds")
}

#[test]
fn a_process_is_gone_with_its_guard() {
    let world = World::new("guard");
    let host = world.host("a");
    let process = host.start("sleep", std::process::Command::new("sleep").arg("1000"));
    let proc = std::path::PathBuf::from(format!("/proc/{}", process.pid()));
    assert!(proc.exists());
    assert!(process.holdings().rss > 0);
    drop(process);
    wait_until("the process to be gone", Duration::from_secs(10), || !proc.exists());
}

#[test]
fn sshd_and_nginx_answer_on_their_host() {
    let world = World::new("servers");
    let host = world.host("a");
    let sshd = Sshd::start(&host, 22);
    assert_eq!(host.run(sshd.client("ssh", 22).args(["root@127.0.0.1", "echo $((6*7))"])), "42\n");
    let nginx = Nginx::start(&host, 8000, "", "location = /teapot { return 418; }");
    std::fs::write(nginx.root.join("file"), "content").expect("our own folder");
    let nowhere = host.path("no-ca");
    assert_eq!(curl(&host, &nowhere, &["http://127.0.0.1:8000/file"]).text(), "content");
    assert_eq!(curl(&host, &nowhere, &["http://127.0.0.1:8000/teapot"]).status, 418);
}
