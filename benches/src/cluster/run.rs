//! One measurement: a broker and a manager on two cores, and servers on the others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tunnel::ServerIdentity;

use super::{Row, Timed};
use crate::child::Guarded;
use crate::place::free_port;
use crate::proc::{cpu_seconds, rss_kb};
use crate::programs::Programs;

/// The broker's and the manager's.
const CORES: &str = "0,1";
const START: Duration = Duration::from_secs(30);
/// Thousands of handshakes, and the first interval.
const READY: Duration = Duration::from_secs(600);

pub(super) fn measure(programs: &Programs, servers: usize, interval: u64, seconds: u64) -> Result<Row> {
    let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let folder = folder.path();
    let config = prepare(folder)?;
    let mut command = on_two_cores(programs.find("nats-server")?);
    let mut broker = Guarded::spawn(command.arg("-c").arg(folder.join("nats.conf")), "nats", folder)?;
    broker.await_output("Server is ready", START)?;
    let fastx = programs.find("fastx")?;
    let within = |command: &mut Command| {
        command.env("FX_CONFIG_DIR", &config).env("FX_LOCAL_DIR", folder.join("local"));
    };
    let mut init = Command::new(fastx);
    within(init.args(["manager", "init"]));
    ensure!(init.output()?.status.success(), "fastx manager init failed");
    let mut command = on_two_cores(fastx);
    within(command.args(["manager", "run"]));
    let mut manager = Guarded::spawn(&mut command, "manager", folder)?;
    let mut command = Command::new(programs.find("members")?);
    command.arg(config.join("broker.json"));
    command.args([servers.to_string(), interval.to_string(), seconds.to_string()]);
    let mut members = Guarded::spawn(&mut command, "members", folder)?;
    members.await_output(&format!("ready {servers}"), READY)?;
    let roots = [manager.pid(), broker.pid()];
    let (began, before) = (Instant::now(), roots.map(|root| cpu_seconds(&[root])));
    thread::sleep(Duration::from_secs(seconds));
    let passed = began.elapsed().as_secs_f64();
    let [manager_cpu, broker_cpu] = [0, 1].map(|i| (cpu_seconds(&[roots[i]]) - before[i]) / passed);
    let [manager_mb, broker_mb] = roots.map(|root| rss_kb(&[root]) as f64 / 1000.0);
    manager.check()?;
    broker.check()?;
    members.await_output("p99Ms", READY)?;
    let said = members.output();
    let timed: Timed = serde_json::from_str(said.lines().last().unwrap_or_default())
        .context("members said something odd")?;
    Ok(Row { servers, interval, manager_cpu, broker_cpu, manager_mb, broker_mb, timed })
}

fn on_two_cores(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", CORES]).arg(program);
    command
}

/// The broker's configuration, and the folder with broker.json.
fn prepare(folder: &Path) -> Result<std::path::PathBuf> {
    let config = folder.join("config");
    fs::create_dir(&config)?;
    fs::create_dir(folder.join("local"))?;
    let (port, (certificate, key)) = (free_port()?, ServerIdentity::self_signed(vec!["127.0.0.1".into()])?);
    fs::write(folder.join("server.pem"), &certificate)?;
    fs::write(folder.join("server.key"), key)?;
    let at = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\ntls {{ cert_file: \"{}\", key_file: \"{}\", timeout: 30 }}\n\
         authorization {{ token: \"bench\", timeout: 30 }}\n",
        at("server.pem"),
        at("server.key"),
    );
    fs::write(folder.join("nats.conf"), text)?;
    let broker = json!({ "transporterType": "nats", "host": "127.0.0.1", "port": port, "password": "bench",
                         "ca": certificate, "namespace": "bench" });
    let path = config.join("broker.json");
    fs::write(&path, broker.to_string())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(config)
}
