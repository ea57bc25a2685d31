//! `fastx doctor`: each check is made to fail for real, and what it says to do is done.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use cluster::broker::{Broker, Login, Trust};
use serde_json::{Value, json};

use super::running::Server;
use super::servers::nats::{self, NatsServer};

/// The exit code, and everything that was said.
fn report(output: &Output) -> (Option<i32>, Vec<Value>) {
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), report["checks"].as_array().unwrap().clone())
}

/// The worst of what one check says.
fn said(server: &Server, check: &str) -> Value {
    let (code, all) = report(&server.run(&["doctor", "--json"]));
    let failed = all.iter().any(|said| said["outcome"] == "fail");
    assert_eq!(code, Some(i32::from(failed)));
    worst(all, check)
}

fn worst(all: Vec<Value>, check: &str) -> Value {
    let rank = |said: &Value| ["skip", "pass", "warn", "fail"].iter().position(|it| said["outcome"] == *it);
    let of_check = all.into_iter().filter(|said| said["check"] == check);
    of_check.max_by_key(rank).unwrap_or_else(|| panic!("no {check}"))
}

fn outcome(server: &Server, check: &str) -> String {
    said(server, check)["outcome"].as_str().unwrap().to_owned()
}

pub(crate) fn write(path: &Path, content: &Value) {
    std::fs::write(path, content.to_string()).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// broker.json as an administrator has it.
pub(crate) fn broker_json(broker: &Broker) -> Value {
    let (Login::Password { password, .. }, Trust::Ca(ca)) = (&broker.login, &broker.trust) else {
        panic!("these tests use a password and a certificate")
    };
    let server = &broker.servers[0];
    json!({ "transporterType": "nats", "host": server.host, "port": server.port, "password": password.expose(),
            "ca": ca, "namespace": broker.namespace.as_str() })
}

#[test]
fn a_dead_service_is_named_and_the_rest_is_looked_at() {
    let mut server = Server::new();
    let (code, all) = report(&server.run(&["doctor", "--json"]));
    assert_eq!(code, Some(1));
    let service = worst(all.clone(), "service");
    assert_eq!(
        (&service["outcome"], &service["mend"]),
        (&json!("fail"), &json!("systemctl start fastx-node"))
    );
    assert_eq!(worst(all, "store")["outcome"], "pass", "the folder is tried without the service");
    server.start("info");
    let alive = server.run(&["doctor"]);
    let text = String::from_utf8_lossy(&alive.stdout).into_owned();
    assert!(alive.status.success(), "{text}");
    assert!(text.contains("pass  store         takes a write in "), "{text}");
    assert_eq!(outcome(&server, "broker"), "skip");
}

#[test]
fn a_mode_is_mended_by_the_command_that_is_shown() {
    let server = Server::new();
    let path = server.config("gateway.json");
    write(&path, &json!([]));
    assert_eq!(outcome(&server, "modes"), "pass");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(outcome(&server, "configuration"), "fail");
    let mode = said(&server, "modes");
    assert_eq!(mode["outcome"], "fail");
    assert!(Command::new("sh").args(["-c", mode["mend"].as_str().unwrap()]).status().unwrap().success());
    assert_eq!(
        (outcome(&server, "modes"), outcome(&server, "configuration")),
        ("pass".into(), "pass".into())
    );
    write(&path, &json!([{ "hots": "gw" }]));
    assert!(said(&server, "configuration")["found"].as_str().unwrap().contains("did you mean `host`?"));
}

#[test]
fn dead_ports_are_named() {
    let server = Server::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    write(&server.config("services.json"), &json!({ "ssh": { "connect": address.to_string() } }));
    write(&server.config("lan.json"), &json!({ "listen": "127.0.0.1:0" }));
    assert_eq!(outcome(&server, "ports"), "pass");
    drop(listener);
    let ports = said(&server, "ports");
    assert_eq!(ports["outcome"], "fail");
    assert!(ports["mend"].as_str().unwrap().contains(&address.port().to_string()), "{ports}");
    let nobody = json!({ "transporterType": "nats", "host": "127.0.0.1", "port": address.port(), "password": "x",
                         "namespace": "lab" });
    write(&server.config("broker.json"), &nobody);
    let (_, all) = report(&server.run(&["doctor", "--json"]));
    assert_eq!(worst(all.clone(), "broker")["outcome"], "fail");
    assert_eq!(worst(all, "broker-login")["outcome"], "skip", "one failure is enough");
}

#[test]
fn a_broker_is_looked_at_step_by_step() {
    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let good = broker_json(&nats.broker(nats::token()));
    let member = Server::new();
    write(&member.config("broker.json"), &good);
    let began = std::time::Instant::now();
    while outcome(&member, "broker-login") != "pass" {
        assert!(began.elapsed() < super::running::PATIENCE, "{}", nats.log());
    }
    assert_eq!((outcome(&member, "broker"), outcome(&member, "broker-tls")), ("pass".into(), "pass".into()));
    let store = said(&member, "store");
    assert!(
        store["outcome"] == "fail" && store.to_string().contains("no cluster manager is running"),
        "{store}"
    );
    let wrong = |key: &str, value: &str| {
        let mut wrong = good.clone();
        wrong[key] = value.into();
        write(&member.config("broker.json"), &wrong);
    };
    wrong("password", "guess");
    let login = said(&member, "broker-login");
    assert_eq!(login["outcome"], "fail");
    assert!(!login.to_string().contains("guess"), "{login}");
    let other = NatsServer::new("nats-server", nats::TOKEN);
    wrong("ca", &other.certificates.ca);
    let (_, all) = report(&member.run(&["doctor", "--json"]));
    assert_eq!(worst(all.clone(), "broker-tls")["outcome"], "fail");
    assert_eq!(worst(all, "broker-login")["outcome"], "skip");
}

#[test]
fn with_a_manager_the_store_takes_a_write_and_tells_its_clock() {
    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let broker = broker_json(&nats.broker(nats::token()));
    let (mut manager, mut member) = (Server::new(), Server::new());
    write(&manager.config("broker.json"), &broker);
    write(&member.config("broker.json"), &broker);
    assert!(manager.run(&["manager", "init"]).status.success());
    manager.start_as(&["manager", "run"], "info");
    // Without a service this program asks the manager itself, and with one the service does.
    for runs in [false, true] {
        if runs {
            member.start("info");
        }
        let began = std::time::Instant::now();
        while outcome(&member, "store") != "pass" {
            assert!(began.elapsed() < super::running::PATIENCE, "{}{}", manager.log(), nats.log());
        }
        let clock = said(&member, "clock");
        assert!(
            clock["outcome"] == "pass" && clock["found"].as_str().unwrap().contains("the manager"),
            "{clock}"
        );
    }
    assert_eq!(outcome(&manager, "store"), "pass");
}

/// In a file system of its own; who is not root mounts it in a user namespace.
#[test]
fn a_full_disk_fails_and_is_measured() {
    let server = Server::new();
    let local = server.local("");
    let script = format!(
        "mount -t tmpfs -o size=1m none {0} && dd if=/dev/zero of={0}/fill bs=64k status=none; exec {1} doctor --json",
        local.display(),
        env!("CARGO_BIN_EXE_fastx"),
    );
    let as_user: &[&str] =
        if rustix::process::geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
    let mut command = Command::new("unshare");
    command.args(as_user).args(["--mount", "sh", "-c", &script]);
    let (code, all) = report(&server.within(&mut command).output().unwrap());
    assert_eq!(code, Some(1));
    let disk = worst(all.clone(), "disk");
    assert!(disk["outcome"] == "fail" && disk.to_string().contains("0 MiB free"), "{disk}");
    let store = worst(all, "store");
    assert!(store["outcome"] == "fail" && store.to_string().contains("No space left"), "{store}");
}
