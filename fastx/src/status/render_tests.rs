use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-22T20:00:00Z";

fn status(gateways: Value) -> Status {
    let status = json!({
        "serverId": "node-a", "fingerprint": "sha256:00", "version": "0.1.0", "pid": 77, "generation": 3,
        "started": "2026-11-22T17:00:00Z", "uptimeSeconds": 10_800, "draining": false, "streams": 5,
        "gateways": gateways,
        "services": [{ "name": "portal", "connect": "built in" }, { "name": "ssh", "connect": "127.0.0.1:22" }],
        "lan": { "listen": null, "peers": [] },
    });
    serde_json::from_value(status).unwrap()
}

fn gateway(state: Value) -> Value {
    json!({
        "host": "gw.example.org", "port": 443, "state": state, "transport": null, "rttMs": null, "since": null,
        "streams": 0, "tunnels": [], "lastError": null, "quicRetry": null,
    })
}

fn shown(status: &Status) -> String {
    render(status, Path::new("/etc/fastx/gateway.json"), NOW.parse().unwrap(), false)
}

fn assert_says(text: &str, all: &[&str]) {
    for says in all {
        assert!(text.contains(says), "`{says}` is missing in:\n{text}");
    }
}

#[test]
fn a_connected_node_says_how() {
    let mut connected = gateway(json!({ "is": "connected" }));
    connected["transport"] = "quic".into();
    connected["rttMs"] = 12.34.into();
    connected["since"] = "2026-11-22T16:30:00Z".into();
    connected["streams"] = 5.into();
    let status = status(json!([connected]));
    assert!(status.is_reachable());
    assert_says(
        &shown(&status),
        &[
            "node       node-a, fastx 0.1.0, up 3 h 0 min, start 3, process 77\n",
            "gateway    gw.example.org:443  connected over QUIC, 12.3 ms, since ",
            "(3 h 30 min), 0 tunnels, 5 streams\n",
            "services   portal (built in), ssh (127.0.0.1:22)\n",
        ],
    );
}

#[test]
fn a_refused_node_says_why_and_what_to_do() {
    let refused = json!({
        "is": "refused", "code": "bad-token", "reason": "the token is wrong",
        "nextStep": "copy gateway.json again", "retry": "2026-11-22T20:00:43Z",
    });
    let status = status(json!([gateway(refused)]));
    assert!(!status.is_reachable());
    assert_says(
        &shown(&status),
        &[
            "refused (bad-token)\n",
            "why:  the token is wrong\n",
            "next: copy gateway.json again\n",
            "in 43 s\n",
        ],
    );
}

#[test]
fn a_node_that_waits_says_why_and_for_how_long() {
    let mut waiting = gateway(json!({ "is": "waiting", "retry": "2026-11-22T20:00:09Z" }));
    waiting["lastError"] = json!({ "at": NOW, "what": "connection refused" });
    let text = shown(&status(json!([waiting])));
    assert_says(
        &text,
        &["not connected, tries again in 9 s\n", "why:  connection refused\n", "next: see that"],
    );
}

#[test]
fn a_node_on_tls_says_when_quic_is_tried() {
    let mut tls = gateway(json!({ "is": "connected" }));
    tls["transport"] = "tls".into();
    tls["quicRetry"] = "2026-11-22T20:02:00Z".into();
    let text = shown(&status(json!([tls])));
    assert_says(&text, &["connected over TLS", "UDP does not pass here", "tried again in 2 min 0 s"]);
}

#[test]
fn a_node_without_a_gateway_says_which_file_is_missing() {
    let text = shown(&status(json!([])));
    assert_says(
        &text,
        &["none: /etc/fastx/gateway.json names none\n", "next: copy it from the gateway, mode 0600"],
    );
}

#[test]
fn spans_are_short() {
    let table = [(-5, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3661, "1 h 1 min"), (90_000, "1 d 1 h")];
    for (seconds, text) in table {
        assert_eq!(span(seconds), text);
    }
}
