//! A real Slurm of one machine with one processor: a start becomes a job that waits, runs, is looked at and is cancelled, with its
//! display inside the job. Needs root, slurm-wlm and munge; `make nightly` runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[allow(dead_code, reason = "the test of signing in uses all of it")]
mod machine;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use machine::User;
use serde_json::Value;

/// Only guards against hanging: Slurm looks at its queue every 30 s if nothing else makes it.
const PATIENCE: Duration = Duration::from_secs(120);

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "never so: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _reaped = self.0.wait();
    }
}

fn spawn(command: &mut Command) -> Running {
    Running(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder that every account can walk through, with all that runs in it.
struct Site {
    // Dropped from the first to the last.
    _service: Running,
    _slurm: Vec<Running>,
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("fxs").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let slurm = slurm(folder.path());
        let path = |name: &str| folder.path().join(name);
        for name in ["config", "local"] {
            std::fs::create_dir(path(name)).unwrap();
            std::fs::set_permissions(path(name), Permissions::from_mode(0o755)).unwrap();
        }
        // Where accounts can execute it. By another process: this one's children could hold it open for writing.
        let program = env!("CARGO_BIN_EXE_fastx");
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/job-scheduling/slurm");
        for (from, to) in [(program, "fastx"), (template, "template")] {
            let copied = Command::new("install").args(["-m", "755", from]).arg(path(to)).status().unwrap();
            assert!(copied.success());
        }
        let conf = path("slurm.conf").display().to_string();
        let script = format!("#!/bin/sh\nSLURM_CONF={conf} exec {}\n", path("template").display());
        let mut shell = Command::new("sh");
        shell.args(["-c", "printf '%s' \"$1\" > \"$0\" && chmod 755 \"$0\""]).arg(path("job")).arg(script);
        assert!(shell.status().unwrap().success());
        let jobs = format!(r#"{{ "script": "{}" }}"#, path("job").display());
        std::fs::write(path("config/jobs.json"), jobs).unwrap();
        let mut service = Command::new(path("fastx"));
        service.args(["node", "run"]).env("FX_CONFIG_DIR", path("config")).env("FX_LOCAL_DIR", path("local"));
        let site = Self { _service: spawn(&mut service), _slurm: slurm, folder };
        until("the service runs", || site.run(&["log", "level"]).status.success().then_some(()));
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("fastx"));
        command
            .args(arguments)
            .env("FX_CONFIG_DIR", self.path("config"))
            .env("FX_LOCAL_DIR", self.path("local"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a program of Slurm prints.
    fn slurm(&self, program: &str, arguments: &[&str]) -> String {
        let output =
            Command::new(program).args(arguments).env("SLURM_CONF", self.path("slurm.conf")).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    fn start(&self, user: &User) -> Value {
        let output = self.run(&["start", "--json", "--user", user.name(), "--", "exec xterm -e cat"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn session(&self, id: &str) -> Value {
        serde_json::from_slice(&self.run(&["session", "show", id]).stdout).unwrap_or_default()
    }

    fn until_state(&self, id: &str, state: &str) -> Value {
        until(&format!("{id} is {state}"), || {
            Some(self.session(id)).filter(|session| session["state"] == state)
        })
    }
}

/// Munge, the controller and the daemon, with everything of theirs in the folder.
fn slurm(folder: &Path) -> Vec<Running> {
    let path = |name: &str| folder.join(name).display().to_string();
    for name in ["munge", "state", "spool"] {
        std::fs::create_dir(folder.join(name)).unwrap();
        std::fs::set_permissions(folder.join(name), Permissions::from_mode(0o755)).unwrap();
    }
    let key = std::iter::repeat_with(rand_byte).take(1024).collect::<Vec<u8>>();
    std::fs::write(folder.join("munge.key"), key).unwrap();
    std::fs::set_permissions(folder.join("munge.key"), Permissions::from_mode(0o600)).unwrap();
    let mut munged = Command::new("munged");
    munged.args(["--foreground", "--force"]);
    for (option, name) in [
        ("socket", "munge/socket"),
        ("key-file", "munge.key"),
        ("pid-file", "munge/pid"),
        ("log-file", "munge/log"),
        ("seed-file", "munge/seed"),
    ] {
        munged.arg(format!("--{option}={}", path(name)));
    }
    let mut running = vec![spawn(&mut munged)];
    until("munge listens", || folder.join("munge/socket").exists().then_some(()));
    let host = rustix::system::uname().nodename().to_string_lossy().split('.').next().unwrap().to_owned();
    let (here, controller, daemon) = (folder.display(), free_port(), free_port());
    let conf = format!(
        "ClusterName=fx\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\nSlurmdUser=root\nAuthType=auth/munge\n\
         AuthInfo=socket={here}/munge/socket\nCredType=cred/munge\nSlurmctldPort={controller}\nSlurmdPort={daemon}\n\
         StateSaveLocation={here}/state\nSlurmdSpoolDir={here}/spool\nSlurmctldPidFile={here}/ctld.pid\n\
         SlurmdPidFile={here}/slurmd.pid\nSlurmctldLogFile={here}/ctld.log\nSlurmdLogFile={here}/slurmd.log\n\
         ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSelectType=select/cons_tres\nMpiDefault=none\n\
         ReturnToService=2\nKillWait=5\nNodeName={host} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN\n\
         PartitionName=p Nodes=ALL Default=YES State=UP\n"
    );
    std::fs::write(folder.join("slurm.conf"), conf).unwrap();
    for program in ["slurmctld", "slurmd"] {
        running.push(spawn(Command::new(program).arg("-D").env("SLURM_CONF", path("slurm.conf"))));
    }
    let idle = || {
        let said = Command::new("sinfo")
            .args(["-h", "-o", "%t"])
            .env("SLURM_CONF", path("slurm.conf"))
            .output()
            .unwrap();
        (said.stdout == b"idle\n").then_some(())
    };
    until("Slurm is ready", idle);
    // The jobs' daemon before what it asks.
    running.reverse();
    running
}

fn rand_byte() -> u8 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0).to_le_bytes()[0]
}

#[test]
#[ignore = "make nightly: it needs Slurm"]
fn a_start_waits_runs_is_looked_at_and_is_cancelled_inside_its_job() {
    let (site, user) = (Site::new(), User::new("x-slurm-x", None));
    let first = site.start(&user);
    // Slurm may have begun it already.
    assert_eq!(first["job"]["scheduler"], "slurm", "{first:#}");
    let (id, job) = (first["id"].as_str().unwrap(), first["job"]["id"].as_str().unwrap());
    let up = site.until_state(id, "running");
    assert_eq!(up["user"], user.name());
    let pids = site.slurm("scontrol", &["listpids", job]);
    let display = up["serverPid"].to_string();
    assert!(pids.lines().any(|line| line.split_whitespace().next() == Some(&display)), "{display} in {pids}");

    // The machine has one processor, so the second one waits; it says so, and can be cancelled.
    let second = site.start(&user);
    let (waiting, its_job) = (second["id"].as_str().unwrap(), second["job"]["id"].as_str().unwrap());
    let told = until("Slurm's words about the job", || {
        let message = site.session(waiting)["job"]["message"].as_str().unwrap_or_default().to_owned();
        (message.contains("is PENDING") && !message.contains("None")).then_some(message)
    });
    assert!(told.contains("Resources") || told.contains("Priority"), "{told}");
    assert!(site.run(&["terminate", waiting]).status.success());
    until("the job is cancelled", || {
        (!site.slurm("squeue", &["-h", "-o", "%i"]).contains(its_job)).then_some(())
    });
    assert_eq!(site.session(waiting)["state"], "ended");

    let mut viewer = site.command(&["connect", id, "--pipe"]);
    let viewer = Running(viewer.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    site.until_state(id, "connected");
    drop(viewer);
    site.slurm("scancel", &[job]);
    site.until_state(id, "ended");
    until("its display is gone", || (!Path::new(&format!("/proc/{display}")).exists()).then_some(()));
    let third = site.start(&user);
    let id = third["id"].as_str().unwrap();
    site.until_state(id, "running");
    assert!(site.run(&["terminate", id]).status.success());
    until("its job ends with it", || {
        site.slurm("squeue", &["-h", "-o", "%i"]).trim().is_empty().then_some(())
    });
}
