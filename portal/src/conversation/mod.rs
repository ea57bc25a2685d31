//! Signing in, as questions and answers, in whichever way.

mod machine;
mod own;
mod ssh;
mod table;

use std::net::IpAddr;
use std::time::Duration;

use launcher::names::UserName;
use launcher::wire::Prompt;
use tunnel::identity::Secret;

use self::machine::Machine;
use self::ssh::Ssh;
use crate::Shared;
use crate::logins::Way;
use crate::visits::Visitor;

pub(crate) use self::machine::known_account;
pub(crate) use self::table::{Conversations, Open};

/// For one answer to be looked at; PAM modules wait for directories and telephones, and after a wrong one for seconds.
const STEP_WITHIN: Duration = Duration::from_secs(60);

const NO_NAME: &str = "this is no name of an account";

/// Where a conversation stands.
pub(crate) enum Step {
    KeyboardInteractive(Questions),
    Success(Visitor),
    /// `why` is for the log.
    Refused {
        why: String,
    },
}

/// What is asked at a time.
pub(crate) struct Questions {
    pub(crate) prompts: Vec<Prompt>,
    /// What else there is to say, lines.
    pub(crate) message: String,
}

/// One conversation. Dropping it ends it.
pub(crate) enum Dialogue {
    /// With a person of this server's own, by this name.
    Own(String),
    /// With PAM.
    Machine(Machine),
    /// With sshd.
    Ssh(Ssh),
}

impl Dialogue {
    /// Begins one; `password`, if there is one already, answers the first question that a password would answer.
    pub(crate) async fn begin(
        shared: &Shared,
        way: &Way,
        name: &str,
        password: Option<Secret>,
        from: Option<IpAddr>,
    ) -> (Option<Self>, Step) {
        let begun = async {
            match way {
                Way::Password { .. } => {
                    let step = own::step(shared, name, password).await;
                    (Some(Self::Own(name.to_owned())), step)
                }
                Way::Pam { service, .. } => {
                    let Some(user) = account(name) else { return (None, refused(NO_NAME)) };
                    match Machine::begin(&shared.logins.launcher(), service, user, from, password).await {
                        Ok((machine, step)) => (Some(Self::Machine(machine)), step),
                        Err(error) => (None, refused(error)),
                    }
                }
                Way::Oidc(_) => (None, refused("this way needs a browser")),
                Way::Ssh(sshd) => {
                    let Some(user) = account(name) else { return (None, refused(NO_NAME)) };
                    match Ssh::begin(&shared.logins.program, sshd, user, password).await {
                        Ok((ssh, step)) => (Some(Self::Ssh(ssh)), step),
                        Err(error) => (None, refused(error)),
                    }
                }
            }
        };
        tokio::time::timeout(STEP_WITHIN, begun)
            .await
            .unwrap_or_else(|_| (None, refused("no answer in time")))
    }

    /// Goes on with an answer for each question.
    pub(crate) async fn answer(&mut self, shared: &Shared, answers: Vec<Secret>) -> Step {
        let answered = async {
            match self {
                Self::Own(name) => own::step(shared, name, answers.into_iter().next()).await,
                Self::Machine(machine) => machine.answer(answers).await.unwrap_or_else(refused),
                Self::Ssh(ssh) => ssh.answer(answers).await.unwrap_or_else(refused),
            }
        };
        tokio::time::timeout(STEP_WITHIN, answered).await.unwrap_or_else(|_| refused("no answer in time"))
    }
}

fn account(name: &str) -> Option<UserName> {
    UserName::try_from(name.to_owned()).ok()
}

fn refused(why: impl ToString) -> Step {
    Step::Refused { why: why.to_string() }
}
