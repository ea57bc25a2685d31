//! With the machine's PAM, through the launcher: a process for each conversation, which ends with it.

use std::ffi::OsString;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use launcher::names::{ServiceName, UserName};
use launcher::wire::{self, Answer, HEADER, Prompt, Reply, Request, WireError};
use node::session::{SessionError, person_groups};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tunnel::identity::Secret;
use zeroize::Zeroizing;

use super::{Questions, Step, refused};
use crate::visits::{Known, Visitor};

/// What PAM's modules find programs by.
pub(super) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Debug, thiserror::Error)]
pub(super) enum MachineError {
    #[error("the launcher does not start: {0}")]
    Start(#[source] std::io::Error),
    #[error("the launcher says nothing of use: {0}; has the service the right to start it?")]
    Wire(#[from] WireError),
    #[error("not as many answers as questions, or one that is too long")]
    Answers,
}

/// One conversation.
pub(crate) struct Machine {
    socket: UnixStream,
    /// Killed when this is dropped. One that sudo(8) started sees the end of the socket.
    _launcher: Child,
    asked: usize,
}

impl Machine {
    pub(super) async fn begin(
        launcher: &[OsString],
        service: &ServiceName,
        user: UserName,
        from: Option<IpAddr>,
        password: Option<Secret>,
    ) -> Result<(Self, Step), MachineError> {
        let mut machine = Self::start(launcher).map_err(MachineError::Start)?;
        let request = Request::Converse { service: service.clone(), user, from };
        let mut step = machine.say(&request).await?;
        // The form had a field for the password already.
        if let (Step::KeyboardInteractive(questions), Some(password)) = (&step, password)
            && let [Prompt { echo: false, .. }] = questions.prompts.as_slice()
        {
            step = machine.answer(vec![password]).await?;
        }
        Ok((machine, step))
    }

    fn start(launcher: &[OsString]) -> std::io::Result<Self> {
        let (program, arguments) = launcher.split_first().ok_or(std::io::ErrorKind::NotFound)?;
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("PATH", PATH).current_dir("/");
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let launcher = command.spawn()?;
        Ok(Self { socket: UnixStream::from_std(ours)?, _launcher: launcher, asked: 0 })
    }

    pub(super) async fn answer(&mut self, answers: Vec<Secret>) -> Result<Step, MachineError> {
        let answer = |answer: Secret| Answer::try_from(answer.expose().to_owned());
        let answers: Result<Vec<_>, _> = answers.into_iter().map(answer).collect();
        let answers = answers.ok().filter(|answers| answers.len() == self.asked);
        self.say(&Request::Answers(answers.ok_or(MachineError::Answers)?)).await
    }

    async fn say(&mut self, request: &Request) -> Result<Step, MachineError> {
        let frame = wire::encode(request)?;
        self.socket.write_all(&frame).await.map_err(WireError::Io)?;
        let mut header = [0; HEADER];
        self.socket.read_exact(&mut header).await.map_err(WireError::Io)?;
        let mut json = Zeroizing::new(vec![0; wire::length(header)?]);
        self.socket.read_exact(&mut json).await.map_err(WireError::Io)?;
        Ok(match wire::decode(&json)? {
            Reply::Prompts { prompts, message } => {
                self.asked = prompts.len();
                Step::KeyboardInteractive(Questions { prompts, message })
            }
            Reply::Success { account } => known("pam", account).await,
            Reply::Refused { why } => refused(why),
        })
    }
}

/// A person's account comes in; one of the system's does not, whatever its password.
pub(super) async fn known(way: &str, account: String) -> Step {
    known_account(way, account).await.map_or_else(refused, Step::Success)
}

/// Who has this account; an error if it is no person's.
pub(crate) async fn known_account(way: &str, account: String) -> Result<Visitor, SessionError> {
    let groups = person_groups(&account).await?;
    Ok(Visitor::Known(Known { way: way.to_owned(), name: account.clone(), account, groups }))
}
