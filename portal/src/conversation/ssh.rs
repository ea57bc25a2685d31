//! With the server's own sshd: the machine's ssh(1) signs in there with what the person answers, and ends at once. No rule
//! of sudo and no root is needed, and whatever that sshd asks for is asked.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;

use launcher::askpass::SOCKET;
use launcher::names::UserName;
use launcher::wire::{self, Answer, HEADER, Prompt, Reply, Request, WireError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tunnel::identity::Secret;
use zeroize::Zeroizing;

use super::machine::known;
use super::{Questions, Step, refused};
use crate::logins::Sshd;

/// Bytes of what ssh says when it fails, for the log.
const LONGEST_WORDS: u64 = 4096;
/// One try of each kind; only the keys that are known; nothing of anybody's configuration.
const OPTIONS: [&str; 15] = [
    "NumberOfPasswordPrompts=1",
    "PreferredAuthentications=keyboard-interactive,password",
    "PubkeyAuthentication=no",
    "HostbasedAuthentication=no",
    "GSSAPIAuthentication=no",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "HostKeyAlias=fastx",
    "UpdateHostKeys=no",
    "CheckHostIP=no",
    "ConnectTimeout=10",
    "ConnectionAttempts=1",
    "ControlPath=none",
    "ForwardAgent=no",
    "LogLevel=ERROR",
];

#[derive(Debug, thiserror::Error)]
pub(super) enum SshError {
    #[error("ssh does not start: {0}")]
    Start(#[from] std::io::Error),
    #[error("ssh's question does not arrive: {0}")]
    Wire(#[from] WireError),
    #[error("one question has one answer")]
    Answers,
    #[error("no key of the sshd is known: write `hostKeys` into logins.json")]
    NoKey,
}

/// One conversation.
pub(crate) struct Ssh {
    /// Killed when this is dropped.
    ssh: Child,
    questions: UnixListener,
    /// Has waited for an answer since the last question.
    waiting: Option<UnixStream>,
    answered: bool,
    account: String,
    _folder: tempfile::TempDir,
}

impl Ssh {
    pub(super) async fn begin(
        program: &Path,
        sshd: &Sshd,
        user: UserName,
        password: Option<Secret>,
    ) -> Result<(Self, Step), SshError> {
        let mut ssh = Self::start(program, sshd, &user)?;
        let mut step = ssh.step().await?;
        if let (Step::KeyboardInteractive(_), Some(password)) = (&step, password) {
            step = ssh.answer(vec![password]).await?;
        }
        Ok((ssh, step))
    }

    fn start(program: &Path, sshd: &Sshd, user: &UserName) -> Result<Self, SshError> {
        let folder = tempfile::Builder::new().prefix("fastx-ssh-").tempdir()?;
        let (socket, keys) = (folder.path().join("ask"), folder.path().join("keys"));
        let known = sshd.keys();
        if known.is_empty() {
            return Err(SshError::NoKey);
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&keys)?;
        for key in known {
            writeln!(file, "fastx {key}")?;
        }
        let questions = UnixListener::bind(&socket)?;
        let mut command = Command::new("ssh");
        command.args(["-F", "/dev/null", "-T", "-p", &sshd.port().to_string(), "-l", user.as_str()]);
        command.args(OPTIONS.iter().flat_map(|option| ["-o", option]));
        command.arg("-o").arg(format!("UserKnownHostsFile={}", keys.display()));
        command.args(["--", sshd.host(), "exit 0"]).env_clear().env("PATH", super::machine::PATH);
        command.env("SSH_ASKPASS", program).env("SSH_ASKPASS_REQUIRE", "force").env(SOCKET, &socket);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let (ssh, account) = (command.spawn()?, user.as_str().to_owned());
        Ok(Self { ssh, questions, waiting: None, answered: false, account, _folder: folder })
    }

    pub(super) async fn answer(&mut self, answers: Vec<Secret>) -> Result<Step, SshError> {
        let (Some(mut socket), [answer]) = (self.waiting.take(), answers.as_slice()) else {
            return Err(SshError::Answers);
        };
        let answer = Answer::try_from(answer.expose().to_owned()).map_err(|_| SshError::Answers)?;
        let frame = wire::encode(&Request::Answers(vec![answer]))?;
        socket.write_all(&frame).await?;
        self.answered = true;
        self.step().await
    }

    /// Until ssh asks or ends.
    async fn step(&mut self) -> Result<Step, SshError> {
        let asks = tokio::select! {
            biased;
            asks = self.questions.accept() => asks?.0,
            ended = self.ssh.wait() => return Ok(self.ended(ended?).await),
        };
        let (socket, prompts) = question(asks).await?;
        // After a wrong answer it tries the next kind, which is the same password once more.
        if self.answered && prompts.iter().any(|prompt| prompt.text.ends_with("'s password: ")) {
            return Ok(refused("sshd refuses the answer"));
        }
        self.waiting = Some(socket);
        let prompts = prompts.into_iter().map(plain).collect();
        Ok(Step::KeyboardInteractive(Questions { prompts, message: String::new() }))
    }

    async fn ended(&mut self, status: std::process::ExitStatus) -> Step {
        if status.success() {
            return known("ssh", std::mem::take(&mut self.account)).await;
        }
        let mut said = String::new();
        if let Some(stderr) = self.ssh.stderr.take() {
            let _what_it_said_so_far = stderr.take(LONGEST_WORDS).read_to_string(&mut said).await;
        }
        refused(format!("ssh ends with {status}: {}", said.trim()))
    }
}

async fn question(mut socket: UnixStream) -> Result<(UnixStream, Vec<Prompt>), WireError> {
    let mut header = [0; HEADER];
    socket.read_exact(&mut header).await?;
    let mut json = Zeroizing::new(vec![0; wire::length(header)?]);
    socket.read_exact(&mut json).await?;
    match wire::decode(&json)? {
        Reply::Prompts { prompts, .. } => Ok((socket, prompts)),
        _ => Err(WireError::Malformed("a question is expected")),
    }
}

/// ssh says to whom it speaks: `(alice@127.0.0.1) Password: `, `alice@127.0.0.1's password: `.
fn plain(prompt: Prompt) -> Prompt {
    let text = match prompt.text.split_once(") ") {
        Some((to, text)) if to.starts_with('(') && to.contains('@') => text.to_owned(),
        _ if prompt.text.ends_with("'s password: ") => "Password: ".to_owned(),
        _ => prompt.text,
    };
    Prompt { text, ..prompt }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_what_sshd_asks_and_not_whom_ssh_speaks_to() {
        let cases = [
            ("(alice@127.0.0.1) Password: ", "Password: "),
            ("(alice@h) One-time password (OATH) for `alice': ", "One-time password (OATH) for `alice': "),
            ("alice@127.0.0.1's password: ", "Password: "),
            ("Code (6 digits): ", "Code (6 digits): "),
        ];
        for (said, read) in cases {
            assert_eq!(plain(Prompt { text: said.into(), echo: false }).text, read);
        }
    }
}
