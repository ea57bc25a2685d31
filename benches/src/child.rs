//! Child processes that never outlive their owner.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// Name of the file in a job's folder that keeps every command line started there.
pub(crate) const JOURNAL: &str = "commands";

/// A running process, the leader of its own group; the whole group is killed on drop.
#[derive(Debug)]
pub(crate) struct Guarded {
    child: Child,
    log: PathBuf,
}

impl Guarded {
    /// Starts `command` with both outputs going to `dir/LABEL.log`.
    pub(crate) fn spawn(command: &mut Command, label: &str, dir: &Path) -> Result<Self> {
        note(command, dir)?;
        let log = dir.join(format!("{label}.log"));
        let output = OpenOptions::new().create(true).append(true).open(&log)?;
        let child = command
            .process_group(0)
            // A reason of one line, not a stack, is what a report has room for.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {}", line(command)))?;
        Ok(Self { child, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of what it has written, on one line.
    pub(crate) fn log_tail(&self) -> String {
        tail(&self.output())
    }

    /// Waits until it has written `words`; fails when it ends or `limit` passes first.
    pub(crate) fn await_output(&mut self, words: &str, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            // Its last words come before its end.
            let runs = self.check();
            if self.output().contains(words) {
                return Ok(());
            }
            runs?;
            if Instant::now() > deadline {
                bail!("{} never said {words:?}: {}", self.log.display(), tail(&self.output()));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Fails, with the end of its log, when the process has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended ({status}): {}", self.log.display(), tail(&self.output()));
        }
        Ok(())
    }

    fn wait_until(&mut self, deadline: Instant) -> Result<bool> {
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("did not end in time")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // An ended group is no error here: there is nothing left to kill.
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            kill_process_group(pid, Signal::KILL).ok();
        }
        self.child.wait().ok();
    }
}

/// Runs a program to its end, at most `limit`; returns what it wrote to both outputs.
pub(crate) fn run(command: &mut Command, label: &str, dir: &Path, limit: Duration) -> Result<String> {
    match run_to_end(command, label, dir, limit)? {
        (true, output) => Ok(output),
        (false, output) => bail!("{} failed: {}", line(command), tail(&output)),
    }
}

/// The same for a program that says in its output what went wrong: whether it succeeded, and the output.
pub(crate) fn run_to_end(
    command: &mut Command,
    label: &str,
    dir: &Path,
    limit: Duration,
) -> Result<(bool, String)> {
    let log = dir.join(format!("{label}.log"));
    File::create(&log)?;
    let mut child = Guarded::spawn(command, label, dir)?;
    let ended = child.wait_until(Instant::now() + limit);
    let output = child.output();
    let success = ended.with_context(|| format!("{} (limit {limit:?}): {}", line(command), tail(&output)))?;
    Ok((success, output))
}

fn note(command: &Command, dir: &Path) -> Result<()> {
    let mut journal = OpenOptions::new().create(true).append(true).open(dir.join(JOURNAL))?;
    Ok(writeln!(journal, "{}", line(command))?)
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The last 600 bytes or so of a log: the reason is nearly always there.
fn tail(text: &str) -> String {
    let text = text.trim_end();
    let start = (text.len().saturating_sub(600)..=text.len()).find(|&at| text.is_char_boundary(at));
    text[start.unwrap_or(0)..].replace('\n', " | ")
}
