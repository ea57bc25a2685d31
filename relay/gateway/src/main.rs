//! `fastx-gateway`: the public process that people reach and nodes dial.

mod admin;
mod arguments;
mod commands;
mod logging;
mod notify;

use std::process::ExitCode;

use clap::Parser;

/// `EX_CONFIG` of sysexits.h: starting again does not mend it.
const BAD_CONFIGURATION: u8 = 78;

/// An error that the configuration is to blame for.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct BadConfiguration(anyhow::Error);

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match commands::execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fastx-gateway: {}", told(&error));
            ExitCode::from(if error.is::<BadConfiguration>() { BAD_CONFIGURATION } else { 1 })
        }
    }
}

/// The error with its causes, less those that it names itself.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match &told[..] {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}
