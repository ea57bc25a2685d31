//! The control plane is gone: broker, manager and its store. Sessions do not notice, and the member says what is missing.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::checked::{Load, Running, transfer};
use e2e::{Host, Node, Process, World, wait_for};
use serde_json::{Value, json};
use tunnel::ServerIdentity;

/// Ten minutes at night (`FAULT_SECONDS=60`); ten times the fault, as in `manager/tests/faults`.
fn outage() -> Duration {
    let seconds = std::env::var("FAULT_SECONDS").ok().map(|seconds| seconds.parse().expect("a number"));
    Duration::from_secs(10 * seconds.unwrap_or(2))
}

const PORT: u16 = 4222;

/// The broker's host, with what its administrator wrote.
struct Control {
    host: Host,
    broker: Value,
}

impl Control {
    fn prepare(world: &World) -> Self {
        let host = world.host("control");
        let (certificate, key) =
            ServerIdentity::self_signed(vec![host.ip().to_string()]).expect("a certificate");
        let write = |name: &str, text: &str| std::fs::write(host.path(name), text).expect("our own folder");
        write("server.pem", &certificate);
        write("server.key", &key);
        write(
            "nats.conf",
            &format!(
                "listen: \"0.0.0.0:{PORT}\"\nauthorization {{ token: \"tok\" }}\n\
                 tls {{ cert_file: \"{0}/server.pem\", key_file: \"{0}/server.key\" }}\n",
                host.path("").display()
            ),
        );
        let broker = json!({ "transporterType": "nats", "host": host.ip().to_string(), "port": PORT,
                             "password": "tok", "ca": certificate, "namespace": "lab" });
        Self { host, broker }
    }

    fn broker(&self) -> Process {
        let installed = ["/usr/sbin/nats-server", "/usr/bin/nats-server"].into_iter();
        let program = installed.map(Path::new).find(|path| path.is_file());
        let mut command = Command::new(program.expect("nats-server; next: packaging/install-needs test"));
        self.host.start("nats", command.arg("-c").arg(self.host.path("nats.conf")))
    }
}

fn doctor(node: &Node, check: &str) -> Result<(), String> {
    let mut command = node.files().command(&["doctor", "--json"]);
    let output = node.host().namespace().inside(|| command.output()).map_err(|error| error.to_string())?;
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let checks = report["checks"].as_array().ok_or("no checks")?;
    match checks.iter().find(|said| said["check"] == check) {
        Some(said) if said["outcome"] == "pass" => Ok(()),
        said => Err(format!("{said:?}")),
    }
}

#[test]
#[ignore = "long: make nightly"]
fn everything_down_leaves_sessions_alone_and_says_what_is_missing() {
    let world = World::new("outage");
    let control = Control::prepare(&world);
    let gateway = world.gateway("g1").serving(7001, "checked", "n1").start();
    let client = world.host("client");
    let manager = e2e::node::Setup::on(world.host("manager")).prepared();
    manager.write("broker.json", &control.broker);
    manager.write("manager.json", &json!({ "store": "folder" }));
    let run_manager = || manager.host().start("manager", &mut manager.command(&["manager", "run"]));
    let (mut broker, mut managing) = (control.broker(), run_manager());
    let prepared = world.node("n1").behind_firewall().dials(&gateway).prepared();
    prepared.write("broker.json", &control.broker);
    let node = prepared.started();
    node.is_connected(Duration::from_secs(60));
    wait_for("the cluster to work", Duration::from_secs(60), || doctor(&node, "store"));
    let session = Running::start(&client, gateway.at(7001), Load::steady());

    let began = Instant::now();
    broker.kill();
    managing.kill();
    let said = || {
        let mut command = node.files().command(&["status"]);
        let output =
            node.host().namespace().inside(|| command.output()).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let missing = text.contains("not reached");
        if missing { Ok(text) } else { Err(text) }
    };
    wait_for("the status to say what is missing since when", Duration::from_secs(30), said);
    let mut sessions = 0;
    while began.elapsed() < outage() {
        let whole = client.namespace().block_on(transfer(gateway.at(7001), Load::both_ways(50_000)));
        whole.expect("new sessions start");
        sessions += 1;
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(sessions > 5);
    session.moves_within(Duration::from_secs(10));

    let (_broker, _managing) = (control.broker(), run_manager());
    let back = Instant::now();
    wait_for("the store to take a write again", Duration::from_secs(60), || doctor(&node, "store"));
    println!("a write is taken {:?} after the return", back.elapsed());
    session.finish().expect("the session is whole");
}
