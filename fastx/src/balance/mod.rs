//! `fastx balance`: functions that choose a server, tried without starting anything.

mod render;
mod trial;

use std::process::ExitCode;

use balance::shipped;
use serde_json::json;

use crate::cli::{BalanceCommand, TemplatesOptions};
use crate::settings::print_json;

pub(crate) fn balance(command: &BalanceCommand) -> ExitCode {
    match command {
        BalanceCommand::Templates(options) => templates(options),
        BalanceCommand::Test(options) => trial::run(options),
    }
}

fn templates(options: &TemplatesOptions) -> ExitCode {
    let wanted = |name: &String| options.name.as_ref().is_none_or(|wanted| wanted == name);
    let functions: Vec<_> = shipped::all().filter(|function| wanted(&function.name)).collect();
    if let (Some(name), []) = (&options.name, functions.as_slice()) {
        eprintln!(
            "fastx: no function {name} comes with the program\n  next: fastx balance templates lists them"
        );
        return ExitCode::FAILURE;
    }
    if options.json {
        let shown = functions.iter().map(|function| {
            json!({ "name": function.name, "about": shipped::about(function), "source": function.source })
        });
        print_json(&shown.collect::<Vec<_>>());
    } else if options.name.is_some() {
        functions.iter().for_each(|function| print!("{}", function.source));
    } else {
        functions.iter().for_each(|function| println!("{:17} {}", function.name, shipped::about(function)));
    }
    ExitCode::SUCCESS
}
