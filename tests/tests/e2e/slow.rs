//! Clients that are slow on purpose do not slow the others; and what is not for clients is not on their port.

use std::process::Command;
use std::time::{Duration, Instant};

use e2e::checked::Watch;
use e2e::curl::curl;
use e2e::{Gateway, Host, Node, World};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// An attack that held others up would do so for its own eight or ten seconds; two busy cores hold them up for one or two.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a thousand connections may cost, KiB.
const THOUSAND: usize = 128 * 1024;

pub(crate) struct Stage {
    good: Host,
    bad: Host,
    node: Node,
    pub(crate) gateway: Gateway,
    _world: World,
}

fn stage(name: &str) -> Stage {
    stage_in(World::new(name))
}

/// For attacks that would hold up the tests beside them.
pub(crate) fn alone(name: &str) -> Stage {
    stage_in(World::alone(name))
}

fn stage_in(world: World) -> Stage {
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let (good, bad) = (world.host("good"), world.host("bad"));
    let node = world.node("n1").behind_firewall().dials(&gateway).connected();
    Stage { good, bad, node, gateway, _world: world }
}

impl Stage {
    /// Runs `attack` beside two good clients: one over TCP, one over HTTPS. The gateway may grow by `growth` KiB.
    pub(crate) fn stands(&self, what: &str, growth: usize, attack: impl FnOnce(&Host) + Send) {
        let before = self.gateway.process.holdings();
        let watch = Watch::start(&self.good, self.gateway.at(7001));
        let worst = std::thread::scope(|scope| {
            let attack = scope.spawn(|| attack(&self.bad));
            let mut worst = Duration::ZERO;
            while !attack.is_finished() {
                let begin = Instant::now();
                let url = format!("https://{}/@n1/api/health", self.gateway.host().ip());
                let answer = curl(&self.good, &self.gateway.ca(), &[&url]);
                assert_eq!(answer.status, 200, "{what}: {answer:?}");
                worst = worst.max(begin.elapsed());
            }
            worst
        });
        watch.finish().is_good(what, PATIENCE);
        assert!(worst < PATIENCE, "{what}: the slowest request took {worst:?}");
        let after = self.gateway.process.holdings();
        println!("{what}: {before:?} -> {after:?}");
        assert!(after.rss < before.rss + growth, "{what}: {before:?} -> {after:?}");
        self.node.is_connected(Duration::from_secs(10));
    }

    fn slowhttptest(&self, what: &str, arguments: &[&str]) {
        let url = format!("https://{}/@n1/", self.gateway.host().ip());
        self.stands(what, THOUSAND, |bad| {
            let mut command = Command::new("slowhttptest");
            command.args(["-c", "500", "-r", "200", "-l", "10", "-u", &url]).args(arguments);
            bad.run(&mut command);
        });
    }
}

#[test]
fn slow_headers_slow_no_one() {
    stage("slow-headers").slowhttptest("slow headers", &["-H", "-i", "1"]);
}

#[test]
fn slow_bodies_slow_no_one() {
    stage("slow-bodies").slowhttptest("slow bodies", &["-B", "-i", "1", "-s", "100000"]);
}

#[test]
fn slow_readers_slow_no_one() {
    stage("slow-readers")
        .slowhttptest("slow readers", &["-X", "-w", "1", "-y", "10", "-n", "1", "-z", "1", "-k", "3"]);
}

#[test]
fn handshakes_that_stop_half_way_slow_no_one() {
    let stage = stage("half-handshakes");
    let address = stage.gateway.at(443);
    stage.stands("half handshakes", THOUSAND, |bad| {
        bad.namespace().block_on(async {
            let mut open = Vec::new();
            for n in 0..1000 {
                let Ok(mut socket) = TcpStream::connect(address).await else { continue };
                // The first bytes of a ClientHello, for every second one.
                if n % 2 == 0 {
                    let _may_be_closed_already = socket.write_all(&[0x16, 3, 1, 2, 0, 1]).await;
                }
                open.push(socket);
            }
            tokio::time::sleep(Duration::from_secs(8)).await;
        });
    });
}

#[test]
fn what_is_for_the_administrator_is_not_on_the_public_port() {
    let world = World::new("private");
    let gateway = world.gateway("g1").with("metrics", json!("127.0.0.1:9180")).start();
    let client = world.host("client");
    let _node = world.node("n1").behind_firewall().dials(&gateway).connected();
    let ca = gateway.ca();
    let public = format!("https://{}", gateway.host().ip());
    for path in ["/metrics", "/status", "/nodes", "/livez", "/readyz"] {
        let answer = curl(&client, &ca, &[&format!("{public}{path}")]);
        let said = answer.text();
        assert!(!said.contains("fastx_gateway_") && !said.contains("fingerprint"), "{path}: {said}");
    }
    for path in ["/drain", "/reload", "/nodes/n1/revoke"] {
        let answer = curl(&client, &ca, &["-X", "POST", &format!("{public}{path}")]);
        assert!(answer.status >= 400, "{path}: {answer:?}");
    }
    assert_eq!(curl(&client, &ca, &[&format!("{public}/@n1/api/health")]).status, 200, "it still runs");
    let metrics = format!("http://{}:9180/metrics", gateway.host().ip());
    assert_ne!(curl(&client, &ca, &[&metrics]).exit, 0, "metrics are reached from outside");
    let here = |path: &str| curl(gateway.host(), &ca, &[&format!("http://127.0.0.1:9180{path}")]);
    assert!(here("/metrics").text().contains("fastx_gateway_"), "{:?}", here("/metrics"));
    assert_eq!((here("/livez").status, here("/readyz").status), (200, 200));
    for path in ["/nodes", "/status"] {
        assert_eq!(here(path).status, 404, "{path} is not for a TCP port");
    }
}
