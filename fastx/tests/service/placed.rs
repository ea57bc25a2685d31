//! Sessions start where the administrator's functions say, and where a server has just died the next one is taken.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::machine::User;
use super::running::{PATIENCE, Server};
use super::servers::nats::{self, NatsServer};

const PROGRAM: &str = "exec xterm -e cat";

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

/// What it said, and whether all went well.
fn run(server: &Server, arguments: &[&str]) -> (bool, String) {
    let output = server.run(arguments);
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Functions have time enough on a machine that does other things. The store may not be reached in the first moment.
fn be_patient(server: &Server) {
    until("the deadline is set", || run(server, &["config", "set", "balanceDeadline", "5s"]).0.then_some(()));
}

/// The function decides from now on.
fn decide_by(server: &Server, source: &str) {
    let path = server.folder.path().join("chain.js");
    std::fs::write(&path, source).unwrap();
    let set = ["balance", "set", "session-start", path.to_str().unwrap(), "--override"];
    until("the chain is saved", || run(server, &set).0.then_some(()));
}

fn start(server: &Server, more: &[&str]) -> Value {
    let words = [&["start", "--json"][..], more, &["--", PROGRAM]].concat();
    let output = server.run(&words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{}", server.log());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn terminate(server: &Server, session: &Value) {
    let (done, said) = run(server, &["terminate", session["id"].as_str().unwrap()]);
    assert!(done, "{said}");
}

#[test]
fn a_lone_server_starts_what_its_chain_lets_it_and_says_what_the_chain_said() {
    let server = Server::started();
    be_patient(&server);
    decide_by(&server, "i => { throw new Error(`All servers are closed, ${i.data.command}`) }");
    let (done, said) = run(&server, &["start", "--", PROGRAM]);
    assert!(!done && said.contains(&format!("All servers are closed, {PROGRAM}")), "{said}");
    decide_by(&server, "i => 'nowhere'");
    let (done, said) = run(&server, &["start", "--", PROGRAM]);
    assert!(!done && said.contains("which is no server it was offered"), "{said}");
    decide_by(
        &server,
        "i => { if (i.user.sessions.length) throw new Error('One is enough'); return i.local.serverId }",
    );
    let session = start(&server, &[]);
    let (done, said) = run(&server, &["start", "--", PROGRAM]);
    assert!(!done && said.contains("One is enough"), "{said}");
    terminate(&server, &session);
    let (_, log) = run(&server, &["balance", "log"]);
    assert!(log.contains("chain") && log.contains(session["serverId"].as_str().unwrap()), "{log}");
}

/// A server with the broker's broker.json, whose id is `id`, and whose folders other accounts can walk through.
fn member(nats: &NatsServer, id: &str) -> Server {
    let server = Server::new();
    let broker = json!({
        "transporterType": "nats", "host": nats.address.to_string(), "port": 14222, "password": "tok",
        "ca": nats.certificates.ca, "namespace": "lab",
    });
    config::write_json(&server.config("broker.json"), &broker, config::Secrecy::OwnerOnly).unwrap();
    std::fs::write(server.local("server-id"), id).unwrap();
    for way in [server.folder.path().to_owned(), server.folder.path().join("local")] {
        std::fs::set_permissions(way, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    server
}

#[test]
fn a_start_lands_where_the_chain_says_and_after_a_kill_on_the_next_without_an_error() {
    let nats = NatsServer::started("nats-server", nats::TOKEN);
    let mut manager = member(&nats, "boss");
    assert!(manager.run(&["manager", "init"]).status.success());
    manager.spawn(&["manager", "run"]);
    let (mut one, mut two) = (member(&nats, "one"), member(&nats, "two"));
    one.spawn(&["node", "run"]);
    two.spawn(&["node", "run"]);
    for id in ["one", "two"] {
        let alive = || run(&one, &["server", "show", id, "--json"]).1.contains("\"alive\"").then_some(());
        until(&format!("{id} is alive"), alive);
    }
    // Root starts nothing as root on another server.
    let user = rustix::process::getuid().is_root().then(|| User::new("x-placed-x", None));
    let whom: Vec<&str> = user.iter().flat_map(|user| ["--user", user.name()]).collect();
    be_patient(&one);
    decide_by(&one, "i => (i.servers.find(s => s.serverId === 'two') || i.servers[0]).serverId");

    let there = start(&one, &whom);
    assert_eq!(there["serverId"], "two", "{there:#}");
    if user.is_some() {
        let (done, said) = run(&one, &["start", "--", PROGRAM]);
        assert!(!done && said.contains("only an admin may use it"), "{said}");
    }
    let listed =
        || run(&one, &["sessions", "--json"]).1.contains(there["id"].as_str().unwrap()).then_some(());
    until("the session is told", listed);
    terminate(&two, &there);
    two.kill();
    let here = start(&one, &whom);
    assert_eq!(here["serverId"], "one", "{here:#}");
    terminate(&one, &here);
    let (_, log) = run(&one, &["balance", "log", "--last", "2"]);
    assert!(log.lines().count() == 2 && log.contains(": two") && log.contains(": one"), "{log}");
}

/// Whether a server was chosen.
fn choose(socket: &std::path::Path, login: usize) -> bool {
    let request = json!({
        "action": "session/start", "user": { "login": format!("user{login}") }, "local": { "serverId": "x" },
    });
    let answer = ask(socket, "POST", "/balance/choose", &json!({ "request": request }).to_string());
    assert!(answer.starts_with("HTTP/1.1 200") || answer.contains("It is full"), "{answer}");
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn starts_that_come_in_one_moment_keep_to_a_limit() {
    let server = Server::started();
    be_patient(&server);
    decide_by(
        &server,
        "i => { if (i.servers[0].sessions >= 20) throw new Error('It is full'); return i.servers[0].serverId }",
    );
    let socket = server.local("node.sock");
    let chosen: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..60)
            .map(|login| {
                scope.spawn({
                    let socket = &socket;
                    move || choose(socket, login)
                })
            })
            .collect();
        all.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(chosen, 20);
}

/// The answer of `node.sock`, with its head.
fn ask(socket: &std::path::Path, method: &str, path: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\n");
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn start_forms_are_kept_by_name_and_a_wrong_one_is_refused() {
    let server = Server::started();
    let socket = server.local("node.sock");
    let form = r#"{"type":"object","properties":{"cpus":{"type":"integer","default":4}}}"#;
    let put = |name: &str, form: &str| ask(&socket, "PUT", &format!("/forms/{name}"), form);
    until("the store is open", || put("matlab", form).starts_with("HTTP/1.1 204").then_some(()));
    let refused =
        put("matlab", r#"{"type":"object","properties":{"cpus":{"type":"integer","default":"4"}}}"#);
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("is no integer"), "{refused}");
    let all = ask(&socket, "GET", "/forms", "");
    let (_, kept) = all.split_once("\r\n\r\n").unwrap();
    let kept: Value = serde_json::from_str(kept).unwrap();
    assert_eq!(kept, json!({ "matlab": serde_json::from_str::<Value>(form).unwrap() }));
    let start = r#"{"command":"xterm","profile":"matlab","params":{"cpus":"many"}}"#;
    let refused = ask(&socket, "POST", "/sessions", start);
    assert!(
        refused.starts_with("HTTP/1.1 400") && refused.contains("cpus: \\\"many\\\" is no integer"),
        "{refused}"
    );
    assert!(ask(&socket, "DELETE", "/forms/matlab", "").starts_with("HTTP/1.1 204"));
    assert!(ask(&socket, "GET", "/forms/matlab", "").starts_with("HTTP/1.1 404"));
}
