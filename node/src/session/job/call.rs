//! One call of a job script: as the user, with a clean environment, JSON on its standard input; for a limited time and up to a limited
//! output, and nothing of it is left behind.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cluster::session::Session;
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdout};
use tokio::time::{sleep, timeout};

use crate::session::SessionError;
use crate::session::launch::Launcher;
use crate::session::process::{Leader, Role};
use crate::session::tree;

/// Bytes that a script may write.
pub(super) const MAX_OUTPUT: usize = 64 * 1024;
/// For what a script left behind to close the output, once it is killed.
const CLOSES_WITHIN: Duration = Duration::from_secs(2);
/// A process can start another between the look and the signal.
const MOST_SWEEPS: usize = 20;
/// The script is our standard error at first: so it comes into the process without anything of ours between fork and exec. The shell
/// keeps it as descriptor 9, takes the log as its standard error, and becomes the script that was opened.
const BECOME_IT: &str = r#"exec 9<&2 2>>"$FX_JOB_LOG" && exec /proc/self/fd/9"#;
/// Batch systems hand the environment on to their jobs, and these are set in one: a job is nothing that the script left behind.
const IN_A_JOB: [&str; 4] = ["SLURM_JOB_ID=", "PBS_JOBID=", "LSB_JOBID=", "JOB_ID="];

/// What a script wrote, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) output: Vec<u8>,
    pub(super) end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    /// With which status.
    Failed(String),
    TooSlow(Duration),
    TooMuch,
}

/// What is wanted of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Start {
        /// The user is an administrator.
        admin: bool,
    },
    State,
    Cancel,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::State => "state",
            Self::Cancel => "cancel",
        }
    }
}

/// The session's own variables are in the launcher already.
pub(super) async fn call(
    mut launcher: Launcher,
    script: &File,
    (action, session): (Action, &Session),
    (local_dir, log): (&Path, &Path),
    limit: Duration,
) -> Result<Said, SessionError> {
    let mark = format!("{:016x}", rand::random::<u64>());
    launcher.set("FX_JOB_CALL", &mark);
    launcher.set("FX_JOB_ACTION", action.name());
    launcher.set("FX_JOB_LOG", log);
    launcher.set("FX_LOCAL_DIR", local_dir);
    launcher.set("FX_PROGRAM", std::env::current_exe().unwrap_or_else(|_| "fastx".into()));
    launcher.set("FX_SESSION_NAME", &session.name);
    if let Some(id) = session.job.as_ref().and_then(|job| job.id.as_ref()) {
        launcher.set("FX_JOB_ID", id);
    }
    let input = serde_json::to_vec(&input(session, action == Action::Start { admin: true }))
        .expect("texts and numbers");
    let opened = script.try_clone().map_err(|error| SessionError::Job(error.to_string()))?;
    let words = ["/bin/sh", "-c", BECOME_IT].map(Into::into);
    let mut command = launcher.conversation(&words, Stdio::from(opened))?;
    let uid = launcher.account.uid;
    let mut child =
        command.spawn().map_err(|error| SessionError::Job(format!("it does not start: {error}")))?;
    let leader = child.id().and_then(|pid| Leader::of(pid, Role::Aid, uid));
    let said = hear(&mut child, input, limit, &mark, uid).await;
    if said.end != End::Done {
        leader.iter().for_each(|leader| leader.signal_group(Signal::KILL));
        let _gone = child.start_kill();
    }
    // Reaped within moments: it was killed, or has ended.
    let _reaped = timeout(CLOSES_WITHIN, child.wait()).await;
    sweep(&mark, uid).await;
    Ok(said)
}

/// The guide's `{user, admin, start}`.
fn input(session: &Session, admin: bool) -> Value {
    serde_json::json!({
        "user": { "sub": session.login, "login": session.login, "account": session.user },
        "admin": admin,
        "start": {
            "id": session.id, "command": session.command, "geometry": session.geometry, "name": session.name,
            "profile": session.profile, "params": session.params, "serverId": session.server_id,
        },
    })
}

async fn hear(child: &mut Child, input: Vec<u8>, limit: Duration, mark: &str, uid: u32) -> Said {
    let (mut stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let mut output = Vec::new();
    let write = async {
        if let Some(mut stdin) = stdin.take() {
            // Who does not read it does not want it.
            let _unread = stdin.write_all(&input).await;
        }
        std::future::pending::<()>().await
    };
    let talk = async {
        let mut stdout = stdout.expect("its standard output is a pipe");
        let read = read(&mut stdout, &mut output);
        tokio::select! {
            biased;
            within = read => if !within { return End::TooMuch },
            status = child.wait() => {
                // Something that it left behind may hold its output open.
                sweep(mark, uid).await;
                let rest = timeout(CLOSES_WITHIN, self::read(&mut stdout, &mut output)).await;
                return if rest == Ok(false) { End::TooMuch } else { ended(status) };
            }
        }
        ended(child.wait().await)
    };
    let end = tokio::select! {
        biased;
        ended = timeout(limit, talk) => ended.unwrap_or(End::TooSlow(limit)),
        () = write => unreachable!("it never ends"),
    };
    Said { output, end }
}

fn ended(status: std::io::Result<std::process::ExitStatus>) -> End {
    match status {
        Ok(status) if status.success() => End::Done,
        Ok(status) => End::Failed(status.to_string()),
        Err(error) => End::Failed(error.to_string()),
    }
}

/// To the end; `false`: there was more than may be.
async fn read(stdout: &mut ChildStdout, output: &mut Vec<u8>) -> bool {
    let mut some = vec![0; 8 * 1024];
    while let Ok(count) = stdout.read(&mut some).await {
        output.extend_from_slice(&some[..count]);
        if output.len() > MAX_OUTPUT {
            output.truncate(MAX_OUTPUT);
            return false;
        }
        if count == 0 {
            break;
        }
    }
    true
}

/// Kills what is left of the call, also what left its group.
async fn sweep(mark: &str, uid: u32) {
    let entry = format!("FX_JOB_CALL={mark}");
    for _ in 0..MOST_SWEEPS {
        let entry = entry.clone();
        let killed = tokio::task::spawn_blocking(move || {
            tree::signal_tagged(&entry, uid, Signal::KILL, |_, environment| !is_in_a_job(environment))
        });
        if killed.await.unwrap_or(0) == 0 {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn is_in_a_job(environment: &[u8]) -> bool {
    let mut variables = environment.split(|byte| *byte == 0);
    variables.any(|variable| IN_A_JOB.iter().any(|name| variable.starts_with(name.as_bytes())))
}
