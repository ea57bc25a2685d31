//! A cluster of real programs: a nats-server, a manager, two nodes.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::running::{PATIENCE, Server};
use super::schema;
use super::servers::nats::{self, NatsServer};

/// Tries until it is so. What is asked may fail meanwhile.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "never so: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A server with the broker's broker.json, whose id is `id`.
pub(crate) fn member(nats: &NatsServer, id: &str) -> Server {
    let server = Server::new();
    let broker = json!({
        "transporterType": "nats", "host": nats.address.to_string(), "port": 14222, "password": "tok",
        "ca": nats.certificates.ca, "namespace": "lab",
    });
    config::write_json(&server.config("broker.json"), &broker, config::Secrecy::OwnerOnly).unwrap();
    std::fs::write(server.local("server-id"), id).unwrap();
    server
}

fn json_of(server: &Server, arguments: &[&str]) -> Option<Value> {
    let output = server.run(arguments);
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// One server as `asked` lists it.
fn listed(asked: &Server, id: &str) -> Option<Value> {
    json_of(asked, &["server", "show", id, "--json"])
}

fn stands(asked: &Server, id: &str, standing: &str) -> Value {
    until(&format!("{id} is {standing}"), || listed(asked, id).filter(|one| one["standing"] == standing))
}

fn command(server: &Server, name: &str, text: &str) {
    let folder = server.config("metrics.d");
    std::fs::create_dir_all(&folder).unwrap();
    // The user `nobody` must come to it.
    for way in [server.folder.path(), folder.parent().unwrap()] {
        std::fs::set_permissions(way, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn servers_join_are_written_about_drain_and_are_remembered_when_they_are_lost() {
    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let mut manager = member(&nats, "boss");
    assert!(manager.run(&["manager", "init"]).status.success());
    manager.spawn(&["manager", "run"]);
    let (mut one, mut two) = (member(&nats, "node.one"), member(&nats, "two"));
    command(&one, "licences.sh", r#"echo '{"free": 3}'"#);
    command(&one, "fails", "echo away >&2; exit 3");
    command(&one, "slow", "sleep 1000");
    one.spawn(&["node", "run"]);
    two.spawn(&["node", "run"]);
    stands(&manager, "node.one", "alive");
    stands(&one, "two", "alive");
    // It goes without a word, and is lost half a minute later; the rest is tried meanwhile.
    two.kill();

    assert!(one.run(&["server", "static-data", "gpu=true", "group=chips"]).status.success());
    let whole = until("static data and metrics arrive", || {
        let one = listed(&manager, "node.one")?;
        (one["staticData"]["group"] == "chips" && one["metrics"]["licences"]["free"] == 3).then_some(one)
    });
    assert_eq!(whole["metricErrors"]["fails"], "exit status: 3: away");
    assert_eq!(schema::faults(&cluster::server::schema(), &whole), [""; 0]);

    // Settings reach who obeys them.
    for (key, value) in [("metricsTimeout", "1s"), ("metricsInterval", "1s"), ("newLogins", "false")] {
        assert!(manager.run(&["config", "set", key, value]).status.success());
    }
    until("settings are obeyed", || {
        let one = listed(&manager, "node.one")?;
        let slow = one["metricErrors"]["slow"].as_str()?;
        (slow.contains("within 1s") && one["allows"]["logins"] == false).then_some(())
    });
    assert!(manager.run(&["config", "rollback", "0"]).status.success());
    until("and taken back", || listed(&manager, "node.one").filter(|one| one["allows"]["logins"] == true));

    assert!(manager.run(&["server", "drain", "node.one"]).status.success());
    assert_eq!(
        stands(&manager, "node.one", "draining")["allows"],
        json!({ "logins": true, "sessions": false })
    );
    // Also after a start.
    one.kill();
    one.spawn(&["node", "run"]);
    let own = until("it answers", || {
        json_of(&one, &["server", "show", "--json"]).filter(|own| own["updated"].is_string())
    });
    assert_eq!(own["draining"], true, "known from its own folder");
    until("it is in the cluster again", || one.run(&["server", "undrain"]).status.success().then_some(()));
    assert!(one.run(&["server", "allow", "--logins", "no"]).status.success());
    until("no logins", || listed(&manager, "node.one").filter(|one| one["allows"]["logins"] == false));

    let lost = stands(&manager, "two", "lost");
    assert!(
        until("its last words are kept", || {
            let path = manager.local("store/servers/two.json");
            std::fs::read_to_string(path).ok().filter(|text| text.contains("\"lost\""))
        })
        .contains("\"hostname\"")
    );
    manager.kill();
    manager.spawn(&["manager", "run"]);
    let again = until("the manager is back", || listed(&manager, "two"));
    assert_eq!(again["standing"], "lost");
    let seen = |listed: &Value| listed["lastSeen"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let apart = seen(&again).duration_since(seen(&lost)).as_secs();
    assert_eq!(apart, 0, "{again} {lost}");
    stands(&manager, "node.one", "alive");
    assert!(manager.run(&["server", "forget", "two"]).status.success());
    assert!(listed(&manager, "two").is_none());
    let nobody = manager.run(&["server", "drain", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("the cluster has no server nobody"));
}

#[test]
fn sessions_of_all_servers_are_listed_at_each_and_no_manager_is_needed() {
    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let (mut one, mut two) = (member(&nats, "node.one"), member(&nats, "two"));
    one.spawn(&["node", "run"]);
    until("it takes starts", || one.run(&["sessions"]).status.success().then_some(()));
    let name = "<img src=x onerror=alert(1)>";
    let started = until("a session", || {
        json_of(&one, &["start", "--json", "--name", name, "--", "xterm", "-e", "cat"])
    });
    let id = started["id"].as_str().unwrap();
    // It comes later, and hears what there was before it.
    two.spawn(&["node", "run"]);
    let seen = |state: &str| {
        until(&format!("it is {state} there"), || {
            let all = json_of(&two, &["sessions", "--json"])?;
            all.as_array()?.iter().find(|session| session["id"] == id && session["state"] == state).cloned()
        })
    };
    let there = seen("running");
    assert_eq!((&there["serverId"], &there["name"]), (&json!("node.one"), &json!(name)));
    assert_eq!(schema::faults(&cluster::session::schema(), &there), [""; 0]);
    let refused = two.run(&["terminate", id]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is on the server node.one"), "{refused:?}");
    assert!(one.run(&["terminate", id]).status.success());
    seen("ended");
}

#[test]
fn a_node_without_its_broker_runs_and_says_what_it_waits_for() {
    let mut nats = NatsServer::new("nats-server", nats::TOKEN);
    let mut node = member(&nats, "lonely");
    node.spawn(&["node", "run"]);
    until("it said so twice", || {
        (node.log().matches("waits for the broker for ").count() >= 2).then_some(())
    });
    let status = String::from_utf8(node.run(&["status"]).stdout).unwrap();
    assert!(
        status.contains("services   portal") && status.contains("broker     not reached for"),
        "{status}"
    );
    // What is about this server alone needs nobody.
    assert!(json_of(&node, &["server", "show", "--json"]).is_some());
    assert!(node.run(&["server", "static-data", "gpu=true"]).status.success());
    let servers = node.run(&["servers"]);
    assert!(String::from_utf8_lossy(&servers.stderr).contains("the broker is not reached"), "{servers:?}");
    // Another broker.json counts at the next start, and the status says so.
    let broker = std::fs::read_to_string(node.config("broker.json")).unwrap();
    std::fs::write(node.config("broker.json"), broker.replace("\"lab\"", "\"other\"")).unwrap();
    node.signal(Signal::HUP);
    until("it says what a reload does not take", || {
        let status = json_of_any(&node, &["status", "--json"])?;
        status["reloadError"].as_str().filter(|why| why.starts_with("broker.json changed")).map(drop)
    });
    nats.start();
    until("it comes in by itself", || {
        let status = json_of_any(&node, &["status", "--json"])?;
        (status["controlPlane"]["broker"]["is"] == "up").then_some(())
    });
    until("a manager is missing then", || {
        let status = json_of_any(&node, &["status", "--json"])?;
        (status["controlPlane"]["store"]["why"] == "no cluster manager is running").then_some(())
    });
}

#[test]
fn a_server_that_stands_alone_is_a_cluster_of_one() {
    let mut node = Server::new();
    node.spawn(&["node", "run"]);
    let all = until("it lists itself", || {
        json_of(&node, &["servers", "--json"]).filter(|all| all[0]["updated"].is_string())
    });
    assert_eq!((all.as_array().unwrap().len(), &all[0]["standing"]), (1, &json!("alive")));
    let table = String::from_utf8(node.run(&["servers"]).stdout).unwrap();
    assert!(table.contains("STANDING") && table.contains("alive"), "{table}");
}

/// `fastx status` fails where no gateway is connected, and still says everything.
fn json_of_any(server: &Server, arguments: &[&str]) -> Option<Value> {
    serde_json::from_slice(&server.run(arguments).stdout).ok()
}
