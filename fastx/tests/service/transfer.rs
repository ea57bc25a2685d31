//! From a server that stands alone into a cluster, and back: the programs, over a real broker.

use std::path::Path;
use std::process::Output;
use std::time::Instant;

use serde_json::Value;

use super::doctor::broker_json;
use super::running::{PATIENCE, Server};
use super::servers::nats::{self, NatsServer};

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn get(server: &Server, key: &str) -> Value {
    serde_json::from_str(&said(&server.run(&["config", "get", key, "--json"]))).unwrap()
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// A manager and a node, with folders of their own.
fn cluster(broker: &Value) -> [Server; 2] {
    let [mut manager, mut node] = [Server::new(), Server::new()];
    for server in [&manager, &node] {
        super::doctor::write(&server.config("broker.json"), broker);
    }
    said(&manager.run(&["manager", "init"]));
    manager.start_as(&["manager", "run"], "info");
    node.start("info");
    for server in [&manager, &node] {
        until("it follows the store", || {
            let shown: Value =
                serde_json::from_str(&said(&server.run(&["config", "get", "--json"]))).unwrap();
            shown["behind"].is_null()
        });
    }
    [manager, node]
}

#[test]
fn a_configuration_moves_into_a_cluster_and_back() {
    let mut alone = Server::started();
    said(&alone.run(&["config", "set", "drainTime", "77s"]));
    said(&alone.run(&["config", "set", "logLevel", "warn", "--local"]));
    alone.stop();
    let store = alone.local("store");
    std::fs::write(store.join("permissions-store.db"), "{\"_id\":\"x\",\"data\":{}}\n").unwrap();

    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let [manager, node] = cluster(&broker_json(&nats.broker(nats::token())));
    let folder = store.display().to_string();
    let looked = said(&node.run(&["store", "upload", "--dry-run", "--dir", &folder]));
    assert!(
        looked.contains("new: settings/global\n") && looked.contains("  + values.drainTime \"1m 17s\"\n")
    );
    assert!(looked.contains("left out: permissions-store.db:1 (x): its meaning is not known\n"), "{looked}");
    assert!(looked.contains("nothing is done yet") && !looked.contains('\u{1b}'), "{looked}");
    assert_eq!(get(&node, "drainTime")["source"], "default");
    let done = said(&node.run(&["store", "upload", "--dir", &folder]));
    assert!(done.contains("done: 2 new, 0 changed, 0 deleted, 0 the same\n"), "{done}");
    until("the node follows", || get(&node, "drainTime")["value"] == "1m 17s");

    // The manager's own command line, and a change over the node that everybody follows.
    let back = manager.folder.path().join("back");
    let to = back.display().to_string();
    said(&manager.run(&["store", "download", "--dir", &to]));
    same(&store, &back);
    said(&node.run(&["config", "set", "drainTime", "78s"]));
    until("the manager follows", || get(&manager, "drainTime")["value"] == "1m 18s");
    let refused = node.run(&["store", "upload", "--dir", &folder]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&refused.stdout).contains("newer there: settings/global ("),
        "{refused:?}"
    );
    said(&node.run(&["store", "upload", "--force", "--dir", &folder]));
    until("the manager follows", || get(&manager, "drainTime")["value"] == "1m 17s");
}

fn same(one: &Path, other: &Path) {
    for collection in ["settings", "settings.local"] {
        for file in std::fs::read_dir(one.join(collection)).unwrap().map(Result::unwrap) {
            if file.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let copy = std::fs::read(other.join(collection).join(file.file_name())).unwrap();
            assert_eq!(copy, std::fs::read(file.path()).unwrap(), "{:?}", file.path());
        }
    }
}
