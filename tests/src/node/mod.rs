//! A node: `fastx node run` with its files.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::checked::CheckedServer;
use crate::host::Host;
use crate::process::Process;
use crate::{programs, wait_for};

mod setup;

pub use setup::Setup;

/// Where [`CheckedServer`] listens on each node; its service is called `checked`.
pub const CHECKED: &str = "127.0.0.1:7000";

/// The files of a node.
#[derive(Debug)]
pub struct Prepared {
    host: Host,
}

impl Prepared {
    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn config(&self, file: &str) -> PathBuf {
        self.host.path("config").join(file)
    }

    /// Writes a file of the configuration folder, readable by its owner only.
    pub fn write(&self, file: &str, content: &Value) {
        self.write_text(file, &format!("{content:#}\n"));
    }

    pub fn write_text(&self, file: &str, content: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.config(file);
        std::fs::write(&path, content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("our own file");
    }

    /// `fastx WORDS` with this node's folders.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(programs::fastx());
        command.args(words).env("FX_CONFIG_DIR", self.host.path("config"));
        command.env("FX_LOCAL_DIR", self.host.path("local")).env("NO_COLOR", "1");
        command
    }

    /// Starts `fastx node run`.
    pub fn run(&self) -> Process {
        self.host.start("fastx-node", &mut self.command(&["node", "run"]))
    }

    /// Starts it, with a checked server beside it.
    pub fn started(self) -> Node {
        let checked = CheckedServer::start(&self.host, CHECKED);
        let process = self.run();
        Node { process, checked, prepared: self }
    }

    /// The node's key fingerprint; `fastx node key` makes the key when there is none.
    pub fn fingerprint(&self) -> String {
        let said = self.host.run(&mut self.command(&["node", "key"]));
        let word =
            said.split(|c: char| c.is_whitespace() || c == '"').find(|word| word.starts_with("sha256:"));
        word.unwrap_or_else(|| panic!("fastx node key shows no fingerprint: {said}")).to_owned()
    }
}

/// A node that runs, with a checked server beside it.
#[derive(Debug)]
pub struct Node {
    pub process: Process,
    pub checked: CheckedServer,
    prepared: Prepared,
}

impl Node {
    pub fn host(&self) -> &Host {
        &self.prepared.host
    }

    pub fn files(&self) -> &Prepared {
        &self.prepared
    }

    /// Starts it again with the same files; it must not run.
    pub fn restart(&mut self) {
        assert!(!self.process.is_running(), "kill it first");
        self.process = self.prepared.run();
    }

    /// `fastx status --json`.
    pub fn status(&self) -> Result<Value, String> {
        let mut command = self.prepared.command(&["status", "--json"]);
        let output = self.host().namespace().inside(|| command.output()).map_err(|e| e.to_string())?;
        // A node that nobody can reach is a failure to `fastx status`, and still says why in the same JSON.
        serde_json::from_slice(&output.stdout).map_err(|e| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("status --json: {e}: {}{said}", String::from_utf8_lossy(&output.stdout))
        })
    }

    /// One gateway's part of the status; they are in the order of gateway.json.
    pub fn link(&self, index: usize) -> Result<Value, String> {
        let status = self.status()?;
        status["gateways"].get(index).cloned().ok_or_else(|| format!("no gateway {index} in {status:#}"))
    }

    /// What carries the tunnels to the first gateway: "quic" or "tls".
    pub fn carrier(&self) -> Result<String, String> {
        let link = self.link(0)?;
        link["transport"].as_str().map(str::to_owned).ok_or_else(|| format!("no tunnel: {link:#}"))
    }

    /// Waits until it is connected to every gateway of its gateway.json.
    pub fn is_connected(&self, within: Duration) {
        wait_for(&format!("{} to be connected", self.host().name()), within, || {
            let status = self.status().map_err(|e| format!("{e}; log:\n{}", self.process.log()))?;
            let connected = |link: &Value| link["state"]["is"] == "connected";
            match status["gateways"].as_array() {
                Some(links) if !links.is_empty() && links.iter().all(connected) => Ok(()),
                _ => Err(format!("{status:#}")),
            }
        });
    }

    /// Waits until the first gateway is reached over `carrier`.
    pub fn is_carried_by(&self, carrier: &str, within: Duration) {
        wait_for(&format!("{} to be carried by {carrier}", self.host().name()), within, || {
            let now = self.carrier()?;
            if now == carrier { Ok(()) } else { Err(format!("{:#}", self.link(0)?)) }
        });
    }
}
