//! The demo's gateway: `fastx-gateway`, beside this program, with the files that its own `init` writes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use config::{Document, Secrecy};
use tokio::process::{Child, Command};

/// From SIGTERM to SIGKILL.
const TIME_TO_END: Duration = Duration::from_secs(5);

pub(super) struct Gateway {
    process: Child,
    log: PathBuf,
}

impl Gateway {
    /// Makes its files in `root/gateway`, unless a demo before did, and starts it on `port` of the loopback address.
    pub(super) async fn start(root: &Path, port: u16) -> anyhow::Result<Self> {
        let program = program()?;
        let (config, local) = (root.join("gateway"), root.join("gateway/local"));
        let command = |what: &str| {
            let mut command = Command::new(&program);
            command.arg(what).arg("--config-dir").arg(&config).arg("--local-dir").arg(&local);
            command
        };
        let settings = config.join("gateway-server.json");
        if settings.exists() {
            change(&settings, |json| json["listen"] = format!("127.0.0.1:{port}").into())?;
            change(&config.join("gateway.json"), |json| json["port"] = port.into())?;
        } else {
            let (port, listen) = (port.to_string(), "127.0.0.1");
            let made =
                command("init").args(["--host", "localhost", "--port", &port, "--listen", listen]).output();
            let made = made.await.with_context(|| format!("cannot start {}", program.display()))?;
            if !made.status.success() {
                bail!("fastx-gateway init failed: {}", String::from_utf8_lossy(&made.stderr).trim());
            }
        }
        let log = root.join("gateway.log");
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let process = command("run")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .env("NO_COLOR", "1")
            // Ctrl-C goes to the whole group of the terminal; the gateway ends after the node has left it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { process, log })
    }

    /// Waits until it ends by itself, which is an error.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        let how =
            self.process.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(8).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        anyhow::anyhow!("the gateway ended ({how}):\n{}", last.join("\n"))
    }

    pub(super) async fn stop(mut self) {
        let Some(id) = self.process.id().and_then(|id| i32::try_from(id).ok()) else { return };
        if let Some(pid) = rustix::process::Pid::from_raw(id) {
            // It may have ended a moment ago.
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(TIME_TO_END, self.process.wait()).await.is_err() {
            let _gone = self.process.kill().await;
        }
    }
}

fn program() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("cannot find this program")?;
    let beside = here.with_file_name("fastx-gateway");
    if !beside.is_file() {
        bail!("{} is not there; build it: cargo build --release -p fastx-gateway", beside.display());
    }
    Ok(beside)
}

fn change(file: &Path, edit: impl FnOnce(&mut serde_json::Value)) -> anyhow::Result<()> {
    let mut json = Document::read(file, Secrecy::OwnerOnly)?.parse()?;
    edit(&mut json);
    Ok(config::write_json(file, &json, Secrecy::OwnerOnly)?)
}
