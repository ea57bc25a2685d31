//! A gateway that has no file descriptor left says so, does not spin, and goes on when there are some again.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use e2e::checked::{Load, Running, transfer_within};
use e2e::process::Process;
use e2e::wait::wait_until;
use e2e::{World, wait_for};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Leaves the process this many descriptors more than it has.
fn leave(process: &Process, descriptors: usize) {
    let pid = i32::try_from(process.pid()).ok().and_then(Pid::from_raw);
    let most = Some((process.holdings().fds + descriptors) as u64);
    prlimit(pid, Resource::Nofile, Rlimit { current: most, maximum: most }).expect("root may");
}

const SAID: &str = "cannot accept connections";

#[test]
fn a_gateway_without_descriptors_says_so_and_recovers() {
    let world = World::new("descriptors");
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let _node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let stream = Running::start(&client, gateway.at(7001), Load::steady());
    leave(&gateway.process, 20);
    let (begin, address) = (Instant::now(), gateway.at(7001));
    let crowd: Vec<_> = client.namespace().inside(|| {
        (0..100).map(|_| TcpStream::connect(address).expect("the kernel's queue has room")).collect()
    });
    wait_until("the log to say it", Duration::from_secs(30), || gateway.process.log().contains(SAID));
    // Long enough that a loop without a pause would fail a million times.
    std::thread::sleep(Duration::from_secs(2));
    stream.moves_within(Duration::from_secs(30));
    drop(crowd);
    wait_for("new clients to be served", Duration::from_secs(60), || {
        let load = Load::both_ways(100_000);
        client.namespace().block_on(transfer_within(address, load, Duration::from_secs(10)))
    });
    wait_until("the log to say that it is over", Duration::from_secs(30), || {
        gateway.process.log().contains("accepts connections again")
    });
    let (failures, lasted) = (gateway.metric("fastx_gateway_accept_errors_total"), begin.elapsed());
    // Ten tries a second on each listener, which has a thread.
    let listeners = gateway.process.holdings().threads;
    let most = (1.0 + 10.0 * lasted.as_secs_f64()) * listeners as f64;
    assert!(failures > 0.0 && failures <= most, "{failures} failures in {lasted:?}");
    let said = gateway.process.log().matches(SAID).count();
    assert!(said <= 2 * listeners, "said {said} times for {failures} failures");
    stream.finish().expect("whole");
}
