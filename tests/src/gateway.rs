//! A gateway: `fastx-gateway` with the files that its own `init` wrote.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::host::Host;
use crate::process::Process;
use crate::{metrics, programs, wait_for};

/// A gateway on its way to be started.
#[derive(Debug)]
pub struct Setup {
    host: Host,
    services: Vec<Value>,
    extra: Vec<(String, Value)>,
}

impl Setup {
    pub(crate) fn on(host: Host) -> Self {
        Self { host, services: Vec::new(), extra: Vec::new() }
    }

    /// A TCP port of the gateway that leads to a service of `server` (an id or "any").
    pub fn serving(mut self, port: u16, service: &str, server: &str) -> Self {
        let listen = format!("0.0.0.0:{port}");
        self.services.push(json!({ "listen": listen, "service": service, "server": server }));
        self
    }

    /// A key of gateway-server.json.
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.extra.push((key.to_owned(), value));
        self
    }

    /// Runs `init` and changes the files, but starts nothing.
    pub fn prepared(self) -> Prepared {
        let prepared = Prepared { host: self.host };
        let address = prepared.host.ip().to_string();
        prepared.host.run(prepared.command("init").args(["--host", &address, "--port", "443"]));
        prepared.edit(|file| {
            file["services"] = Value::Array(self.services);
            for (key, value) in self.extra {
                file[key] = value;
            }
        });
        prepared
    }

    pub fn start(self) -> Gateway {
        let prepared = self.prepared();
        let process = prepared.run();
        let gateway = Gateway { process, prepared };
        gateway.is_ready();
        gateway
    }
}

/// The files of a gateway.
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

    /// `fastx-gateway WHAT` with this gateway's folders.
    pub fn command(&self, what: &str) -> Command {
        let mut command = Command::new(programs::gateway());
        command.arg(what).arg("--config-dir").arg(self.host.path("config"));
        command.arg("--local-dir").arg(self.host.path("local"));
        command.env("NO_COLOR", "1");
        command
    }

    /// Changes gateway-server.json.
    pub fn edit(&self, change: impl FnOnce(&mut Value)) {
        let path = self.config("gateway-server.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut file =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}\n{text}", path.display()));
        change(&mut file);
        std::fs::write(&path, format!("{file:#}\n")).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Starts `fastx-gateway run`.
    pub fn run(&self) -> Process {
        self.host.start("fastx-gateway", &mut self.command("run"))
    }
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Gateway {
    pub process: Process,
    prepared: Prepared,
}

impl Gateway {
    pub fn host(&self) -> &Host {
        &self.prepared.host
    }

    pub fn files(&self) -> &Prepared {
        &self.prepared
    }

    pub fn at(&self, port: u16) -> SocketAddr {
        self.host().at(port)
    }

    /// What a node needs to dial it: the content of its gateway.json.
    pub fn invitation(&self) -> Value {
        let path = self.prepared.config("gateway.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The certificate that clients trust.
    pub fn ca(&self) -> PathBuf {
        let invitation = self.invitation();
        let entry = if invitation.is_array() { &invitation[0] } else { &invitation };
        let path = self.host().path("ca.pem");
        std::fs::write(&path, entry["ca"].as_str().expect("init wrote `ca`")).expect("our own folder");
        path
    }

    /// Starts it again with the same files; it must not run.
    pub fn restart(&mut self) {
        assert!(!self.process.is_running(), "kill it first");
        self.process = self.prepared.run();
        self.is_ready();
    }

    fn is_ready(&self) {
        wait_for("the gateway's /livez", Duration::from_secs(60), || match self.ask("GET", "/livez") {
            Ok((200, _)) => Ok(()),
            Ok((status, body)) => Err(format!("{status}: {body}; log:\n{}", self.process.log())),
            Err(error) => Err(format!("{error}; log:\n{}", self.process.log())),
        });
    }

    /// Asks the admin socket.
    pub fn ask(&self, method: &str, path: &str) -> Result<(u16, String), String> {
        metrics::ask(&self.host().path("local/gateway.sock"), method, path)
    }

    /// One metric, summed over its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.ask("GET", "/metrics").expect("the admin socket answers");
        metrics::sum(&text, name).unwrap_or_else(|| panic!("no metric {name} in:\n{text}"))
    }

    /// `fastx-gateway WHAT ARGUMENTS…`: its standard output.
    pub fn tell(&self, what: &str, arguments: &[&str]) -> String {
        self.host().run(self.prepared.command(what).args(arguments))
    }

    /// `fastx-gateway nodes --json`.
    pub fn nodes(&self) -> Value {
        let said = self.tell("nodes", &["--json"]);
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("nodes --json: {e}: {said}"))
    }

    /// `fastx-gateway status --json`.
    pub fn status(&self) -> Value {
        let said = self.tell("status", &["--json"]);
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("status --json: {e}: {said}"))
    }
}
