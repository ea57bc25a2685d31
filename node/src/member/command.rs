//! Runs another program for its output: bounded in time and bytes, and nothing of it stays behind.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Where programs are looked for, and what they get as their own `PATH`.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// From SIGKILL to the end, unless the kernel holds it.
const DYING: Duration = Duration::from_millis(500);
/// The longest output.
pub(super) const MAX_OUTPUT: usize = 16 * 1024;
/// Of what it writes to standard error, for the person who mends it.
const MAX_TROUBLE: usize = 300;

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It ended well; what it wrote.
    Done(Vec<u8>),
    Failed(String),
}

/// Where one program runs, at most once at a time.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// One that was killed and is still there: it waits in the kernel, mostly for a file server.
    stuck: Option<JoinHandle<()>>,
}

impl Slot {
    /// `command` gets a process group of its own, an environment with a `PATH` only, and no input; after `patience` it
    /// is killed.
    pub(super) async fn run(&mut self, mut command: Command, patience: Duration) -> Outcome {
        if self.stuck.as_ref().is_some_and(|stuck| !stuck.is_finished()) {
            return Outcome::Failed("the run before was killed and has not ended yet".into());
        }
        command
            .env_clear()
            .env("PATH", PATH)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Outcome::Failed(format!("cannot be started: {error}")),
        };
        let Some(group) = Group::of(&child) else { return Outcome::Failed("cannot be watched".into()) };
        if let Ok(outcome) = tokio::time::timeout(patience, finish(&mut child, &group)).await {
            group.forget();
            return outcome;
        }
        group.kill();
        if tokio::time::timeout(DYING, child.wait()).await.is_err() {
            self.stuck = Some(tokio::spawn(async move { drop(child.wait().await) }));
        }
        group.forget();
        Outcome::Failed(format!("did not end within {patience:?}, and was killed"))
    }
}

/// The processes of one command; killed when dropped.
struct Group(Pid);

impl Group {
    fn of(child: &Child) -> Option<Self> {
        Pid::from_raw(i32::try_from(child.id()?).ok()?).map(Self)
    }

    fn kill(&self) {
        // Nobody is left when it ended by itself, and alone.
        let _gone = kill_process_group(self.0, Signal::KILL);
    }

    /// Its number may be another's from now on.
    fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn finish(child: &mut Child, group: &Group) -> Outcome {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let ended = async {
        // Its end is seen before it is reaped: until then the group's number is its own.
        let (leader, how) = (WaitId::Pid(group.0), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let _seen = tokio::task::spawn_blocking(move || waitid(leader, how)).await;
        // What it left in the background may hold its output open.
        group.kill();
    };
    let (out, err, ()) =
        tokio::join!(read(out, MAX_OUTPUT, true, group), read(err, MAX_TROUBLE, false, group), ended);
    let status = child.wait().await;
    let trouble = String::from_utf8_lossy(&err).trim().to_owned();
    match status {
        _ if out.len() > MAX_OUTPUT => Outcome::Failed(format!("wrote more than {} KiB", MAX_OUTPUT / 1024)),
        Ok(status) if status.success() => Outcome::Done(out),
        Ok(status) if trouble.is_empty() => Outcome::Failed(status.to_string()),
        Ok(status) => Outcome::Failed(format!("{status}: {trouble}")),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// One byte more than `most`, if there are so many. What is longer ends the program if it is its output; of its trouble
/// the rest is thrown away.
async fn read(pipe: Option<impl AsyncRead + Unpin>, most: usize, is_output: bool, group: &Group) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(mut pipe) = pipe else { return bytes };
    let most_and_one = u64::try_from(most).unwrap_or(u64::MAX) + u64::from(is_output);
    let _broken = (&mut pipe).take(most_and_one).read_to_end(&mut bytes).await;
    if bytes.len() > most {
        group.kill();
    } else if !is_output {
        let _broken = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    bytes
}
