//! `fastx manager`: a cluster manager without a node.

mod init;
mod revoke;
mod routes;
mod run;
mod token;

use std::process::ExitCode;

use axum::http::Method;
use serde::de::DeserializeOwned;

use crate::ask::NoAnswer;
use crate::cli::{Folders, ManagerCommand};
use crate::exit;

/// Why a verb did not do it.
pub(crate) enum Failure {
    NoAnswer(NoAnswer),
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

pub(crate) fn manager(command: ManagerCommand) -> ExitCode {
    let done = match command {
        ManagerCommand::Init(options) => init::init(&options).map_err(Failure::Other),
        ManagerCommand::Run(options) => run::run(&options).map_err(Failure::Other),
        ManagerCommand::Token { command } => token::token(&command),
        ManagerCommand::Revoke(options) => revoke::revoke(&options),
        ManagerCommand::Readmit(options) => revoke::readmit(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::NoAnswer(error)) => error.tell(),
        Err(Failure::Other(error)) => exit::code(Err(error)),
    }
}

/// Asks the manager on this machine.
fn ask<T: DeserializeOwned>(
    folders: &Folders,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<T, Failure> {
    crate::ask::ask(&folders.dirs().local("manager.sock"), method, path, body.into())
        .map_err(Failure::NoAnswer)
}
