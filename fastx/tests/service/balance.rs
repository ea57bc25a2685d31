//! `fastx balance` and the service: what is kept, what must pass before, and what was decided.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::running::{PATIENCE, Server};

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&said(output)).unwrap()
}

/// What is printed when it does not work.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A machine under load may need more than half a second for a fork.
fn patient(server: &Server) {
    said(&server.run(&["config", "set", "balanceDeadline", "5s"]));
    let now = || json(&server.run(&["balance", "show", "--json"]))["deadlineMs"].clone();
    until("the setting counts", || now() == 5000);
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_chain_is_saved_once_its_cases_pass_and_taken_back() {
    let (server, folder) = (Server::started(), tempfile::tempdir().unwrap());
    patient(&server);
    let run = |arguments: &[&str]| server.run(&[&["balance"], arguments].concat());
    assert!(
        said(&run(&["show"])).starts_with("session-start  version 0: fewest sessions (built in); 0 cases\n")
    );
    let two = json!([{ "serverId": "a", "sessions": 3 }, { "serverId": "b", "sessions": 1 }]).to_string();
    let two = write(folder.path(), "servers.json", &two);
    let first = write(folder.path(), "first.js", "i => i.servers[0].serverId");
    let bad = write(folder.path(), "bad.js", "i => {");
    assert_eq!(
        said(&run(&["set", "session-start", "fewest-sessions"])),
        "session-start is at version 1 now\n"
    );
    said(&run(&["case", "add", "session-start", "the emptier", "--servers", &two, "--expect", "b"]));
    let error = refused(&run(&["set", "session-start", &first]));
    assert!(error.contains("case the emptier: expected b, got a") && error.contains("--override"), "{error}");
    let error = refused(&run(&["set", "session-start", &bad]));
    assert!(error.contains("the function bad cannot run: SyntaxError"), "{error}");
    let error = refused(&run(&["set", "session-start", "fewest-sessions", "--if-version", "1"]));
    assert!(error.contains("at version 2, not at 1"), "{error}");
    said(&run(&["set", "session-start", &first, "--override"]));
    let history = said(&run(&["history", "session-start"]));
    assert!(history.contains("although cases failed: the emptier"), "{history}");
    assert!(said(&run(&["show", "session-start"])).contains("# first\ni => i.servers[0].serverId\n"));
    said(&run(&["rollback", "session-start", "2"]));
    let known = json(&run(&["history", "session-start", "--json"]));
    assert_eq!(
        (&known["versions"][3]["rollback"], known["versions"].as_array().unwrap().len()),
        (&json!(2), 4)
    );
    said(&run(&["disable", "session-start", "fewest-sessions", "--override"]));
    assert!(said(&run(&["show"])).contains("version 5: [fewest-sessions]; 1 cases"));
    assert!(refused(&run(&["enable", "session-start", "none"])).contains("no function none"));
}

#[test]
fn decisions_are_remembered_made_again_and_watched_by_a_shadow() {
    let (server, folder) = (Server::started(), tempfile::tempdir().unwrap());
    patient(&server);
    let run = |arguments: &[&str]| server.run(&[&["balance"], arguments].concat());
    let no = write(
        folder.path(),
        "no.js",
        "i => { console.log('no'); throw new Error('not you, ' + i.user.login) }",
    );
    // The manager inside may still be at reading the first word of its server.
    until("a server is chosen", || run(&["choose", "session-start"]).status.success());
    said(&run(&["set", "user-login", "return-local"]));
    said(&run(&["shadow", "user-login", &no]));
    let chosen = json(&run(&["choose", "user-login", "--user", "alice", "--json"]));
    let id = chosen["serverId"].as_str().unwrap().to_owned();
    let mut last = Value::Null;
    until("the shadow has spoken", || {
        last = json(&run(&["log", "--last", "1", "--json"]))[0].clone();
        !last["shadow"].is_null()
    });
    assert_eq!(
        (&last["number"], &last["version"], &last["trace"]["serverId"]),
        (&chosen["number"], &json!(1), &json!(id))
    );
    assert_eq!(last["shadow"]["error"]["message"], "not you, alice");
    let log = said(&run(&["log", "--trace"]));
    assert!(
        log.contains("user/login by alice, version 1") && log.contains("return-local: 1 in, 1 out"),
        "{log}"
    );
    let replayed = said(&run(&["replay", "user-login", &no]));
    assert!(
        replayed.contains(&format!("alice: {id} -> refused (balance-refused): not you, alice")),
        "{replayed}"
    );
    assert!(replayed.ends_with("0 the same, 1 different\n"), "{replayed}");
    assert_eq!(said(&run(&["replay", "user-login", "fewest-sessions"])), "1 the same, 0 different\n");
    said(&run(&["shadow", "user-login", "--off"]));
    said(&run(&["set", "user-login", &no]));
    let error = refused(&run(&["choose", "user-login", "--user", "bob"]));
    assert!(error.contains("not you, bob") && error.contains("balance-refused"), "{error}");
    let error = refused(&run(&["choose", "session-start", "--except", &id]));
    assert!(error.contains("there is no server"), "{error}");
}
