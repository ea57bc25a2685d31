//! `fastx log` and `fastx log level`.

use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use super::running::Server;

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn lines_are_shown_followed_and_chosen() {
    let server = Server::started();
    assert!(said(&server.run(&["log"])).contains("INFO fastx::run: the portal's key is in"));
    let json = said(&server.run(&["log", "--json"]));
    let line: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert!(line["level"].is_string() && line["at"].is_string(), "{line}");
    let mut follower =
        server.fastx(&["log", "-f", "-n", "0", "--level", "debug"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    // Until it follows: each reset is told.
    let first = std::thread::scope(|scope| {
        let first = scope.spawn(|| lines.next().unwrap().unwrap());
        while !first.is_finished() {
            said(&server.run(&["log", "level", "reset"]));
        }
        first.join().unwrap()
    });
    assert!(first.contains("INFO"), "{first}");
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert!(!server.log().contains("DEBUG"), "only who follows gets more");
}

#[test]
fn a_level_is_changed_shown_and_reverted() {
    let server = Server::started();
    assert!(!said(&server.run(&["log", "level"])).contains("debug"));
    let changed = said(&server.run(&["log", "level", "debug", "--target", "node", "--for", "10m"]));
    assert!(changed.contains("changed: node debug, for "), "{changed}");
    let until = said(&server.run(&["log", "level", "debug", "--for", "1s", "--json"]));
    let until: serde_json::Value = serde_json::from_str(&until).unwrap();
    assert_eq!(until["levels"]["tunnel"], "debug");
    let began = std::time::Instant::now();
    while said(&server.run(&["log", "level"])).contains("debug") {
        assert!(began.elapsed() < super::running::PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let wrong = server.run(&["log", "level", "loud"]);
    assert_eq!(wrong.status.code(), Some(2));
    let wrong = server.run(&["log", "level", "debug", "--for", "400d"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("more than a week"), "{wrong:?}");
}

#[test]
fn loglevel_in_the_environment_is_as_in_the_guide() {
    let mut server = Server::new();
    server.start("debug");
    assert!(said(&server.run(&["log", "level"])).contains("node                 debug\n"));
    let dead = Server::new();
    let asked = dead.run(&["log"]);
    assert_eq!(asked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&asked.stderr).contains("next: start it"), "{asked:?}");
}
