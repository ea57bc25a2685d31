//! `fastx config`.

use std::process::Output;
use std::time::Instant;

use serde_json::Value;

use super::running::{PATIENCE, Server};

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&said(output)).unwrap()
}

#[test]
fn settings_are_set_explained_and_taken_back() {
    let mut server = Server::started();
    assert_eq!(said(&server.run(&["config", "history"])), "no global settings were ever changed\n");
    let set =
        server.fastx(&["config", "set", "drainTime", "120s"]).env("SUDO_USER", "alice").output().unwrap();
    assert_eq!(said(&set), "global version 1\n  + drainTime 2m\n");
    said(&server.run(&["config", "set", "drainTime", "5s", "--local"]));
    let drain_time = json(&server.run(&["config", "get", "drainTime", "--json"]));
    assert_eq!((&drain_time["value"], &drain_time["source"]), (&"5s".into(), &"local".into()));
    assert_eq!((&drain_time["global"], &drain_time["default"]), (&"2m".into(), &"30s".into()));
    said(&server.run(&["config", "set", "drainTime", "--unset", "--local"]));
    let table = said(&server.run(&["config", "get"]));
    let row = table.lines().find(|row| row.starts_with("drainTime")).unwrap();
    assert_eq!(
        row.split_whitespace().collect::<Vec<_>>().join(" "),
        "drainTime 2m global: set for the cluster"
    );
    let history = said(&server.run(&["config", "history"]));
    assert!(history.contains("version 1, by alice@") && !history.contains('\u{1b}'), "{history}");
    let rolled = said(&server.run(&["config", "rollback", "0"]));
    assert_eq!(rolled, "global version 2\n  - drainTime 2m\n");
    said(&server.run(&["config", "rollback", "1", "--if-version", "2"]));
    server.stop();
    server.start("info");
    let record = json(&server.run(&["config", "history", "--json"]));
    assert_eq!((&record["version"], &record["values"]["drainTime"]), (&3.into(), &"2m".into()));
}

#[test]
fn what_cannot_be_meant_changes_nothing_and_says_what_can() {
    let server = Server::started();
    for (arguments, says) in [
        (&["config", "set", "draintime", "1s"][..], "did you mean `drainTime`?"),
        (&["config", "set", "drainTime", "1"], "`1` is not a time from 0s to 1day"),
        (&["config", "set", "historyLength", "5", "--local"], "leave out --local"),
        (&["config", "get", "logLevle"], "did you mean `logLevel`?"),
        (&["config", "rollback", "7"], "version 7 of the global settings is not known"),
        (&["config", "set", "drainTime", "1s", "--if-version", "7"], "are at version 0, not at 7"),
    ] {
        let output = server.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(json(&server.run(&["config", "get", "--json"]))["global"]["version"], 0);
}

#[test]
fn the_log_obeys_its_setting() {
    let mut server = Server::new();
    server.start("");
    said(&server.run(&["config", "set", "logLevel", "debug", "--local"]));
    let began = Instant::now();
    while !said(&server.run(&["log", "level"])).contains("debug") {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
