//! Each command has a file of its own.

mod init;
mod nodes;
mod reload;
mod revoke;
mod run;
mod status;

use crate::arguments::{Arguments, Command};

/// Does what the command line says.
pub(crate) fn execute(arguments: Arguments) -> anyhow::Result<()> {
    let dirs = arguments.folders.dirs();
    match arguments.command {
        Command::Init(init) => init::init(&dirs, &init),
        Command::Run => run::run(&dirs),
        Command::Nodes(output) => nodes::nodes(&dirs, &output),
        Command::Revoke(revoke) => revoke::revoke(&dirs, &revoke),
        Command::Status(output) => status::status(&dirs, &output),
        Command::Reload => reload::reload(&dirs),
    }
}
