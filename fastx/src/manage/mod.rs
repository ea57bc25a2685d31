//! `fastx manager`: a cluster manager without a node.

mod init;
mod run;

use crate::cli::ManagerCommand;

pub(crate) fn manager(command: ManagerCommand) -> anyhow::Result<()> {
    match command {
        ManagerCommand::Init(options) => init::init(&options),
        ManagerCommand::Run(options) => run::run(&options),
    }
}
