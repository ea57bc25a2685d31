//! Chromium looks at a real display through the portal; driven by the scripts in `tests/browser`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod server;
mod way;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use node::session::{Wanted, Who};
use portal::people::{People, Role};
use serde_json::Value;
use server::Server;
use tunnel::identity::Secret;
use way::Way;

fn script(name: &str) -> tokio::process::Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/browser");
    assert!(folder.join("node_modules").is_dir(), "first run `npm ci` in tests/browser (or `make ui`)");
    let mut command = tokio::process::Command::new("node");
    command.arg(folder.join(name)).kill_on_drop(true);
    command
}

/// Screenshots go where `FX_SHOTS` says, so that a person can look at them; else they go with the test.
fn shots(server: &Server, name: &str) -> PathBuf {
    let parent =
        std::env::var_os("FX_SHOTS").map_or_else(|| server.folder.path().join("shots"), PathBuf::from);
    let folder = parent.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    assert!(output.status.success(), "{report:#}");
    assert_eq!(report["errors"], Value::Array(Vec::new()), "{report:#}");
    println!("{report:#}");
    report
}

async fn exists(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_display_shows_takes_keys_and_survives_a_cut() {
    let server = Server::with_terminal().await;
    let way = Way::open(server.portal.clone(), "127.0.0.1:0".parse().unwrap()).await;
    let address = way.address;
    let url = server.portal.address(&format!("https://localhost:{}/", address.port()));
    let (shots, file) = (shots(&server, "desktop"), server.folder.path().join("typed"));
    let signals = server.folder.path().to_owned();
    let mut demo = script("demo.mjs");
    demo.args(["--url", &url, "--shots"]).arg(&shots).arg("--file").arg(&file).arg("--restart").arg(&signals);
    // Here nothing else has to come back first.
    demo.args(["--within", "2000"]);
    let mut demo = tokio::spawn(async move { demo.output().await.unwrap() });

    let ready = signals.join("ready");
    tokio::select! {
        ended = &mut demo => panic!("it ended before the restart: {:#}", report(&ended.unwrap())),
        () = exists(&ready) => {}
    }
    drop(way);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let _way = Way::open(server.portal.clone(), address).await;
    std::fs::write(signals.join("back"), "").unwrap();
    let report = report(&demo.await.unwrap());
    assert_eq!(report["sessions"], serde_json::json!(["Terminal"]));
    assert_eq!(std::fs::read_to_string(file.with_extension("again")).unwrap(), "seen\n");
}

#[tokio::test]
async fn a_phone_shows_it_too() {
    let server = Server::with_terminal().await;
    let way = Way::open(server.portal.clone(), "127.0.0.1:0".parse().unwrap()).await;
    let url = server.portal.address(&format!("https://localhost:{}/", way.address.port()));
    let shots = shots(&server, "phone");
    let demo =
        script("demo.mjs").args(["--phone", "--dark", "--url", &url, "--shots"]).arg(&shots).output().await;
    report(&demo.unwrap());
}

#[tokio::test]
async fn the_key_form_a_phones_keyboard_the_clipboard_and_a_display_that_ends() {
    let server = Server::with_terminal().await;
    let way = Way::open(server.portal.clone(), "127.0.0.1:0".parse().unwrap()).await;
    let url = format!("https://localhost:{}/", way.address.port());
    let (shots, typed) = (shots(&server, "pages"), server.folder.path().join("typed"));
    // Texts that are no more than texts, in every field that a page shows.
    let planted_text = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=1</script>";
    let planted = Wanted {
        command: format!("echo '{planted_text}' >/dev/null; exec xterm -e cat"),
        profile: Some(planted_text.to_owned()),
        params: serde_json::from_value(serde_json::json!({ planted_text: planted_text })).unwrap(),
        ..Wanted::program(planted_text, "")
    };
    server.sessions.start(planted).await.unwrap();
    let mut pages = script("pages.mjs");
    pages.args(["--url", &url, "--key", &server.key(), "--shots"]).arg(&shots);
    let mut people = People::default();
    people.put("carol", &Secret::new("correct horse"), Role::Admin, "carol").unwrap();
    people.write(server.folder.path()).unwrap();
    pages.args(["--person", "carol:correct horse"]);
    pages.arg("--typed").arg(&typed).arg("--end").arg(server.folder.path());
    let mut pages = tokio::spawn(async move { pages.output().await.unwrap() });

    let looking = server.folder.path().join("looking");
    tokio::select! {
        ended = &mut pages => panic!("it ended before the display: {:#}", report(&ended.unwrap())),
        () = exists(&looking) => {}
    }
    let session = server.sessions.list(&Who::Administrator).remove(0);
    server.sessions.terminate(&Who::Administrator, &session.id).await.unwrap();
    let report = report(&pages.await.unwrap());
    assert_eq!(report["names"], serde_json::json!(["Terminal", planted_text]));
    assert_eq!((&report["pwned"], &report["started"]), (&Value::Null, &Value::Bool(true)));
    assert_eq!(report["person"], "You are carol");
    assert_eq!(report["phoneTyped"], "grüße\n");
    assert_eq!(report["clipboard"], "pasted\n");
    assert_eq!(report["guest"], "This link does not count any more.");
}

#[tokio::test]
async fn a_start_form_asks_and_a_card_does_what_its_owner_wants() {
    let server = Server::new();
    let planted = "<img src=x onerror=\"window.pwned=1\">";
    let form = serde_json::json!({
        "type": "object", "title": "Matlab on the big machines", "description": planted,
        "required": ["cpus", "project"],
        "properties": {
            "cpus": { "type": "integer", "title": "Processors", "minimum": 1, "maximum": 64, "default": 4 },
            "gpu": { "type": "boolean", "title": "With a graphics card", "description": planted },
            "note": { "type": "string", "title": planted },
            "project": { "type": "string", "title": "Project", "description": "Who pays for it", "maxLength": 20 },
            "queue": { "type": "string", "title": "Queue", "enum": ["short", "long"], "default": "short" },
        },
    });
    let forms = axum::Json(serde_json::json!({ "matlab": form }));
    server.portal.add_for_admins(axum::Router::new().route("/forms", axum::routing::get(async || forms)));
    let way = Way::open(server.portal.clone(), "127.0.0.1:0".parse().unwrap()).await;
    let url = server.portal.address(&format!("https://localhost:{}/", way.address.port()));
    let shots = shots(&server, "start");
    let start = script("start.mjs").args(["--url", &url, "--shots"]).arg(&shots).output().await;
    let report = report(&start.unwrap());
    assert_eq!(report["offered"], serde_json::json!(["Desktops", "Prepared", "Programs", "Other"]));
    assert_eq!((&report["pwned"], &report["name"]), (&Value::Null, &serde_json::json!("<i>called</i>")));
    let session = server.sessions.list(&Who::Administrator).remove(0);
    let params = serde_json::json!({ "cpus": 8, "gpu": true, "project": "<b>7</b>", "queue": "long" });
    assert_eq!(
        (Value::Object(session.params), session.profile.as_deref(), &session.name[..]),
        (params, Some("matlab"), "<i>called</i>")
    );
}
