//! The demo in Chromium, driven by the scripts in `tests/browser`: the desktop shows, takes what is typed, and comes back by
//! itself when the gateway was away; an administrator puts a balancing chain together.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::curl::curl;
use e2e::wait::wait_until;
use e2e::{Host, Process, World, programs, wait_for};
use serde_json::Value;

const PORT: u16 = 8443;

fn script(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let installed = folder.join("node_modules/playwright-core").is_dir();
    assert!(installed, "playwright-core is not installed; run: (cd {} && npm ci)", folder.display());
    folder.join(name)
}

/// Starts the browser beside the test; its report is its log.
fn browse(host: &Host, name: &str, address: &str, arguments: &[&str]) -> Process {
    let mut command = Command::new("node");
    command.arg(script("demo.mjs")).args(["--url", address, "--shots"]).arg(host.path(""));
    command.arg("--file").arg(host.path(&format!("typed-{name}"))).args(arguments);
    host.start(&format!("browser-{name}"), &mut command)
}

/// Waits for the browser's report, and that all went well in it.
fn went_well(browser: Process) {
    assert_eq!(report(browser)["typed"], Value::Bool(true));
}

fn report(mut browser: Process) -> Value {
    let status = browser.ends(Duration::from_secs(150));
    let said = browser.log();
    assert!(status.success(), "{said}");
    let report: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!(report["ok"], Value::Bool(true), "{report:#}");
    assert_eq!(report["errors"].as_array().map(Vec::len), Some(0), "{report:#}");
    println!("{report:#}");
    report
}

/// The address that the demo prints, key included.
fn address(demo: &Process) -> String {
    wait_for("the demo's address", Duration::from_secs(60), || {
        let said = demo.log();
        let word = said.split_whitespace().find(|word| word.starts_with("https://localhost:"));
        word.map(str::to_owned).ok_or(said)
    })
}

#[test]
fn the_desktop_of_the_demo_shows_and_survives_demo_and_gateway() {
    let world = World::alone("demo");
    let host = world.host("demo");
    let folder = host.path("files");
    let mut command = Command::new(programs::fastx());
    command.args(["demo", "--port", &PORT.to_string(), "--dir"]).arg(&folder);
    let mut demo = host.start("fastx-demo", &mut command);
    let address = address(&demo);
    went_well(browse(&host, "demo", &address, &[]));
    // Killed, it can stop nothing: the display lives on, and the next start finds it.
    demo.kill();
    host.kill_all(&programs::gateway());
    let mut gateway = start_gateway(&host, &folder);
    let mut command = Command::new(programs::fastx());
    command.args(["node", "run", "--config-dir"]).arg(folder.join("node")).arg("--local-dir");
    let _node = host.start("fastx-node", command.arg(folder.join("node/local")));
    let browser = browse(&host, "restart", &address, &["--restart", &host.path("").display().to_string()]);
    let ready = host.path("ready");
    wait_until("the browser to show the desktop again", Duration::from_secs(60), || ready.exists());
    gateway.kill();
    std::thread::sleep(Duration::from_secs(3));
    drop(gateway);
    gateway = start_gateway(&host, &folder);
    // The way is back when the node has come back to the gateway as well.
    let health = format!("https://localhost:{PORT}/@demo/api/health");
    wait_until("the node behind the new gateway", Duration::from_secs(30), || {
        curl(&host, &host.path("no-ca"), &["--insecure", &health]).status == 200
    });
    std::fs::write(host.path("back"), "").expect("our own folder");
    went_well(browser);
    drop(gateway);
}

#[test]
fn an_administrator_writes_tries_saves_and_takes_back_a_chain_on_its_page() {
    let world = World::alone("chain");
    let host = world.host("chain");
    let mut command = Command::new(programs::fastx());
    command.args(["demo", "--port", &PORT.to_string(), "--dir"]).arg(host.path("files"));
    let demo = host.start("fastx-demo", &mut command);
    let mut command = Command::new("node");
    command.arg(script("balance.mjs")).args(["--url", &address(&demo), "--shots"]).arg(host.path(""));
    let report = report(host.start("browser", &mut command));
    assert_eq!(report["chosen"], "Chosen: node-a", "it has the fewest sessions of the chemists' servers");
    assert_eq!(report["versions"], serde_json::json!(["3", "2", "1"]));
    let failing = report["failing"].as_str().expect("a line of the history");
    assert!(failing.contains("although these cases failed: alice goes to node-a"), "{failing}");
}

/// Starts the demo's gateway by itself; it takes connections when this returns.
fn start_gateway(host: &Host, folder: &Path) -> Process {
    let mut command = Command::new(programs::gateway());
    command.args(["run", "--config-dir"]).arg(folder.join("gateway"));
    let gateway = host.start("fastx-gateway", command.arg("--local-dir").arg(folder.join("gateway/local")));
    e2e::services::listens(host, PORT);
    gateway
}
