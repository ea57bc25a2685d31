//! Wrong files and taken ports: said at once, in words that lead to the mistake.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use e2e::{World, wait_for};
use serde_json::json;

/// `EX_CONFIG` of sysexits.h.
const BAD_CONFIGURATION: i32 = 78;

/// Runs a prepared program to its end; gives the exit code and what it said.
fn fails(mut process: e2e::Process) -> (Option<i32>, String) {
    let status = process.ends(Duration::from_secs(10));
    (status.code(), process.log())
}

#[test]
fn a_misspelt_key_of_a_gateway_is_named_with_its_place() {
    let world = World::new("misspelt");
    let prepared = world.gateway("g1").with("drian", json!("30s")).prepared();
    let text = std::fs::read_to_string(prepared.config("gateway-server.json")).expect("init wrote it");
    let (line, column) = text
        .lines()
        .enumerate()
        .find_map(|(n, line)| Some((n + 1, line.find("\"drian\"")? + 1)))
        .expect("written above");
    let (code, said) = fails(prepared.run());
    assert_eq!(code, Some(BAD_CONFIGURATION), "{said}");
    assert!(said.contains(&format!("gateway-server.json:{line}:{column}")), "{line}:{column}: {said}");
    assert!(said.contains("did you mean") && said.contains("drain") && said.contains('^'), "{said}");
}

#[test]
fn wrong_files_of_a_node_are_named_with_their_places() {
    let world = World::new("wrong-files");
    let gateway = world.gateway("g1").start();
    let prepared = world.node("n1").dials(&gateway).prepared();
    let good = std::fs::read_to_string(prepared.config("gateway.json")).expect("written");
    let cases = [
        (
            "services.json",
            "{ \"ssh\": { \"conect\": \"127.0.0.1:22\" } }".to_owned(),
            "services.json:1:12",
            "connect",
        ),
        (
            "services.json",
            "{ \"ssh\": { \"connect\": \"127.0.0.1\" } }".to_owned(),
            "services.json:1:",
            "port",
        ),
        ("services.json", "{\n  \u{201c}ssh\u{201d}: {}\n}".to_owned(), "services.json:2:3", "quote"),
        ("lan.json", "{ \"listen\": \"10.0.0.2:3310\", \"peers\": [] }".to_owned(), "lan.json:1:", "^"),
        ("gateway.json", good.replace("\"auto\"", "\"udp\""), "gateway.json:", "quic"),
        ("gateway.json", good.replace("\"token\"", "\"tokn\""), "gateway.json:", "did you mean"),
        ("gateway.json", "[".to_owned(), "gateway.json:1:", "^"),
    ];
    for (file, text, place, word) in cases {
        let before = std::fs::read_to_string(prepared.config(file)).ok();
        prepared.write_text(file, &text);
        let _fresh_log = std::fs::remove_file(prepared.host().path("fastx-node.log"));
        let (code, said) = fails(prepared.run());
        assert_eq!(code, Some(BAD_CONFIGURATION), "{file}: {text}: {said}");
        assert!(said.contains(place) && said.contains(word), "{file}: no `{place}` or no `{word}`: {said}");
        match before {
            Some(before) => prepared.write_text(file, &before),
            None => std::fs::remove_file(prepared.config(file)).expect("written above"),
        }
    }
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let world = World::new("modes");
    let gateway = world.gateway("g1").start();
    let prepared = world.node("n1").dials(&gateway).prepared();
    let file = prepared.config("gateway.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("our own file");
    let (code, said) = fails(prepared.run());
    assert_eq!(code, Some(BAD_CONFIGURATION), "{said}");
    assert!(said.contains("chmod 600") && said.contains("gateway.json"), "{said}");
    let mode = |file: &str| {
        std::fs::metadata(gateway.files().config(file)).expect("init wrote it").permissions().mode()
    };
    for file in ["gateway.json", "gateway-server.json"] {
        assert_eq!(mode(file) & 0o077, 0, "init left {file} open to others");
    }
}

#[test]
fn a_taken_port_is_named() {
    let world = World::new("taken");
    let prepared = world.gateway("g1").serving(7001, "checked", "n1").prepared();
    for port in [443, 7001] {
        let taken =
            prepared.host().namespace().inside(|| TcpListener::bind(("0.0.0.0", port))).expect("free");
        let (code, said) = fails(prepared.run());
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!(":{port}")) && said.contains("taken"), "{port}: {said}");
        drop(taken);
    }
}

#[test]
fn a_missing_file_is_named_with_the_next_step() {
    let world = World::new("missing");
    let prepared = world.gateway("g1").prepared();
    std::fs::remove_file(prepared.config("gateway-server.json")).expect("init wrote it");
    let (code, said) = fails(prepared.run());
    assert_eq!(code, Some(BAD_CONFIGURATION), "{said}");
    assert!(said.contains("gateway-server.json") && said.contains("fastx-gateway init"), "{said}");
}

#[test]
fn a_node_whose_gateway_is_down_says_so_and_goes_on_trying() {
    let world = World::new("down");
    let mut gateway = world.gateway("g1").start();
    gateway.process.kill();
    let mut node = world.node("n1").behind_firewall().dials(&gateway).start();
    wait_for("the reason in the status", Duration::from_secs(15), || {
        let link = node.link(0)?;
        let said = link["lastError"]["what"].as_str().unwrap_or_default().to_owned();
        if link["state"]["is"] != "connected" && said.contains("refused") {
            Ok(())
        } else {
            Err(format!("{link:#}"))
        }
    });
    assert!(node.process.is_running());
    gateway.restart();
    node.is_connected(Duration::from_secs(30));
}

#[test]
fn a_reload_with_a_bad_file_keeps_the_old_one() {
    let world = World::new("reload");
    let mut gateway = world.gateway("g1").start();
    let _node = world.node("n1").behind_firewall().dials(&gateway).connected();
    gateway.files().edit(|file| file["listne"] = json!("x"));
    let (status, said) = gateway.ask("POST", "/reload").expect("an answer");
    assert!(status >= 400 && said.contains("listne"), "{status}: {said}");
    assert!(gateway.process.is_running());
    gateway.files().edit(|file| {
        file.as_object_mut().expect("an object").remove("listne");
        file["services"] = json!([{ "listen": "0.0.0.0:7005", "service": "checked", "server": "n1" }]);
    });
    let (status, said) = gateway.ask("POST", "/reload").expect("an answer");
    assert_eq!(status, 200, "{said}");
    let client = world.host("client");
    let load = e2e::checked::Load::both_ways(1000);
    client.namespace().block_on(e2e::checked::transfer(gateway.at(7005), load)).expect("the new port serves");
}
