//! `fastx balance` as an administrator types it: the program is its own worker.

use std::process::{Command, Output};

use serde_json::{Value, json};

fn balance(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fastx"))
        .arg("balance")
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn a_chain_is_tried_on_saved_servers_with_a_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let servers = json!([
        { "serverId": "a", "sessions": 0, "standing": "lost" },
        { "serverId": "b", "sessions": 5, "staticData": { "group": "chem" } },
        { "serverId": "c", "sessions": 1, "staticData": { "group": "bio" } },
        { "serverId": "d", "sessions": 9 },
    ]);
    std::fs::write(path("servers.json"), servers.to_string()).expect("a file");
    std::fs::write(path("say.js"), "(input) => { console.log(input.user.login) }").expect("a file");
    // Time enough on a machine that does other things.
    let common =
        ["--servers", &path("servers.json"), "--user", "alice", "--group", "chem", "--deadline", "5000"];
    let run = |functions: &[&str]| balance(&[&["test"], &common[..], functions].concat());
    let output = run(&[&path("say.js"), "group", "fewest-sessions", "--json"]);
    let trace: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    assert_eq!(trace["serverId"], "b", "{trace:#}");
    assert_eq!(trace["notOffered"], json!({ "lost": 1 }));
    let steps: Vec<_> = (0..3).map(|n| (&trace["steps"][n]["offered"], &trace["steps"][n]["left"])).collect();
    assert_eq!(steps, [(&json!(3), &json!(3)), (&json!(3), &json!(2)), (&json!(2), &json!(1))]);
    assert_eq!(trace["steps"][0]["console"][0]["text"], "alice");
    let output = run(&["group", "--prefilter", r#"{"group":"bio"}"#]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("refused (balance-refused): None of your groups"), "{}", text(&output));
    let output = run(&["./missing.js"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("nor a function of `fastx balance templates`, nor a file"),
        "{}",
        text(&output)
    );
}

#[test]
fn what_is_shipped_can_be_listed_and_printed() {
    let output = balance(&["templates"]);
    assert!(
        text(&output).contains("fewest-sessions   The server with the fewest sessions"),
        "{}",
        text(&output)
    );
    assert!(text(&balance(&["templates", "sticky"])).contains("function (input) {"));
    assert_eq!(balance(&["templates", "none"]).status.code(), Some(1));
}

#[test]
fn a_simulated_day_compares_chains_and_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("starts.csv"), "at,minutes,login\n09:00,60,alice\n09:01,60,bob\n").expect("a file");
    std::fs::write(path("never.js"), "() => { throw new Error('Not today') }").expect("a file");
    let never = format!("never={}", path("never.js"));
    let common = ["simulate", "--starts", &path("starts.csv"), "--chain", "spread=fewest-sessions"];
    let out = path("out");
    let output = balance(&[&common[..], &["--chain", &never, "--out", &out]].concat());
    assert!(text(&output).contains("never: 2 failed: Not today"), "{}", text(&output));
    let report = std::fs::read(format!("{out}/report.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!((&report["chains"][0]["started"], &report["chains"][1]["failed"]), (&json!(2), &json!(2)));
    for name in ["sessions", "load", "unfairness", "failed"] {
        let svg = std::fs::read_to_string(format!("{out}/{name}.svg")).expect("a plot");
        assert!(svg.contains("never") && svg.contains("spread"));
    }
    let mut scenario = text(&balance(&["simulate", "--print"]));
    scenario = scenario.replacen("\"people\"", "\"poeple\"", 1);
    std::fs::write(path("mine.json"), scenario).expect("a file");
    let output = balance(&["simulate", &path("mine.json"), "--out", &out]);
    assert!(text(&output).contains("did you mean `people`?"), "{}", text(&output));
}
