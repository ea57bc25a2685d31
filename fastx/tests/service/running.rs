//! A server that stands alone, with folders of its own.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const FASTX: &str = env!("CARGO_BIN_EXE_fastx");

/// Only guards against hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Folders, and perhaps a `fastx node run` in them; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Server {
    /// Not started yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("config")).unwrap();
        std::fs::create_dir(folder.path().join("local")).unwrap();
        Self { folder, child: None }
    }

    pub(crate) fn started() -> Self {
        let mut server = Self::new();
        server.start("info");
        server
    }

    pub(crate) fn start(&mut self, level: &str) {
        self.start_as(&["node", "run"], level);
    }

    pub(crate) fn start_as(&mut self, role: &[&str], level: &str) {
        self.start_in(&[], role, level);
    }

    /// The program is what `wrapper` runs in the end, with the same pid.
    pub(crate) fn start_in(&mut self, wrapper: &[&str], role: &[&str], level: &str) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let program = env!("CARGO_BIN_EXE_fastx");
        let words: Vec<&str> = wrapper.iter().chain(&[program]).chain(role).copied().collect();
        let mut command = Command::new(words[0]);
        let child = self
            .within(command.args(&words[1..]))
            .env("LOGLEVEL", level)
            .env_remove("FX_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
        let began = Instant::now();
        while !self.run(&["log", "level"]).status.success() {
            assert!(began.elapsed() < PATIENCE, "it does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts a service in these folders, and does not wait for it.
    pub(crate) fn spawn(&mut self, arguments: &[&str]) {
        self.spawn_by(&[], arguments);
    }

    /// The same by another program, which becomes it.
    pub(crate) fn spawn_by(&mut self, by: &[&str], arguments: &[&str]) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let words: Vec<&str> = by.iter().chain(&[FASTX]).chain(arguments).copied().collect();
        let mut command = Command::new(words[0]);
        let command = self.within(command.args(&words[1..]));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.child = Some(child.unwrap());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it was started").id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it was started");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// kill -9, and until it is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What it wrote on standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) fn config(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join("config").join(file)
    }

    pub(crate) fn local(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join("local").join(file)
    }

    pub(crate) fn fastx(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(FASTX);
        self.within(command.args(arguments));
        command
    }

    /// With this server's folders.
    pub(crate) fn within<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("FX_CONFIG_DIR", self.folder.path().join("config"))
            .env("FX_LOCAL_DIR", self.folder.path().join("local"))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.fastx(arguments).output().unwrap()
    }
}

impl Server {
    /// `kill -9`, and until it is gone.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone_already = child.kill();
            let _reaped = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
