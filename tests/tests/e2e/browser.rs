//! The demo in Chromium, driven by `tests/browser/demo.mjs`: the desktop shows, takes what is typed, and comes back by
//! itself when the gateway was away.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::curl::curl;
use e2e::wait::wait_until;
use e2e::{Host, Process, World, programs, wait_for};
use serde_json::Value;

const PORT: u16 = 8443;

fn script() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let installed = folder.join("node_modules/playwright-core").is_dir();
    assert!(installed, "playwright-core is not installed; run: (cd {} && npm ci)", folder.display());
    folder.join("demo.mjs")
}

/// Starts the browser beside the test; its report is its log.
fn browse(host: &Host, name: &str, address: &str, arguments: &[&str]) -> Process {
    let mut command = Command::new("node");
    command.arg(script()).args(["--url", address, "--shots"]).arg(host.path(""));
    command.arg("--file").arg(host.path(&format!("typed-{name}"))).args(arguments);
    host.start(&format!("browser-{name}"), &mut command)
}

/// Waits for the browser's report, and that all went well in it.
fn went_well(mut browser: Process) {
    let status = browser.ends(Duration::from_secs(150));
    let said = browser.log();
    assert!(status.success(), "{said}");
    let report: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!((&report["ok"], &report["typed"]), (&Value::Bool(true), &Value::Bool(true)), "{report:#}");
    assert_eq!(report["errors"].as_array().map(Vec::len), Some(0), "{report:#}");
    println!("{report:#}");
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

/// Starts the demo's gateway by itself; it takes connections when this returns.
fn start_gateway(host: &Host, folder: &Path) -> Process {
    let mut command = Command::new(programs::gateway());
    command.args(["run", "--config-dir"]).arg(folder.join("gateway"));
    let gateway = host.start("fastx-gateway", command.arg("--local-dir").arg(folder.join("gateway/local")));
    e2e::services::listens(host, PORT);
    gateway
}
