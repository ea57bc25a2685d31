//! `fastx balance`: functions that choose a server.

mod cases;
mod decided;
mod kept;
mod render;
mod simulate;
mod source;
mod trial;

use std::process::ExitCode;

use crate::ask::NoAnswer;
use crate::balancer::Template;
use crate::cli::{BalanceCommand, CaseCommand, TemplatesOptions};
use crate::settings::print_json;

/// Why a verb did not do it.
pub(super) enum Failed {
    Ask(NoAnswer),
    Input(anyhow::Error),
}

impl From<NoAnswer> for Failed {
    fn from(error: NoAnswer) -> Self {
        Self::Ask(error)
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Input(error)
    }
}

pub(crate) fn balance(command: &BalanceCommand) -> ExitCode {
    let done = match command {
        BalanceCommand::Templates(options) => return templates(options),
        BalanceCommand::Test(options) => trial::run(options),
        BalanceCommand::Simulate(options) => simulate::run(options),
        BalanceCommand::Show(options) => kept::show(options),
        BalanceCommand::Set(options) => kept::set(options),
        BalanceCommand::Enable(options) => kept::toggle(options, true),
        BalanceCommand::Disable(options) => kept::toggle(options, false),
        BalanceCommand::History(options) => kept::history(options),
        BalanceCommand::Rollback(options) => kept::rollback(options),
        BalanceCommand::Case { command: CaseCommand::List(options) } => cases::list(options),
        BalanceCommand::Case { command: CaseCommand::Add(options) } => cases::add(options),
        BalanceCommand::Case { command: CaseCommand::Remove(options) } => cases::remove(options),
        BalanceCommand::Shadow(options) => decided::shadow(options),
        BalanceCommand::Log(options) => decided::log(options),
        BalanceCommand::Replay(options) => decided::replay(options),
        BalanceCommand::Choose(options) => decided::choose(options),
    };
    match done {
        Ok(code) => code,
        Err(Failed::Ask(error)) => error.tell(),
        Err(Failed::Input(error)) => {
            eprintln!("fastx: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn templates(options: &TemplatesOptions) -> ExitCode {
    let wanted = |name: &String| options.name.as_ref().is_none_or(|wanted| wanted == name);
    let functions: Vec<Template> =
        Template::all().into_iter().filter(|function| wanted(&function.name)).collect();
    if let (Some(name), []) = (&options.name, functions.as_slice()) {
        eprintln!(
            "fastx: no function {name} comes with the program\n  next: fastx balance templates lists them"
        );
        return ExitCode::FAILURE;
    }
    if options.json {
        print_json(&functions);
    } else if options.name.is_some() {
        functions.iter().for_each(|function| print!("{}", function.source));
    } else {
        functions.iter().for_each(|function| println!("{:17} {}", function.name, function.about));
    }
    ExitCode::SUCCESS
}
