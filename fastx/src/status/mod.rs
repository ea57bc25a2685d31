//! `fastx status`: asks the node on this machine how it is, and says it to a person at 3 am.

mod ask;
mod render;

use std::io::{ErrorKind, IsTerminal};
use std::process::ExitCode;

use node::status::Status;

use self::ask::NoAnswer;
use crate::cli::StatusOptions;

/// Success means that clients reach this node: some gateway is connected.
pub(crate) fn show(options: &StatusOptions) -> ExitCode {
    let dirs = options.folders.dirs();
    let status = match ask::status(&dirs.local("node.sock")) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("fastx: {error}\n  next: {}", next_step(&error));
            return ExitCode::FAILURE;
        }
    };
    if options.json {
        println!("{}", json(&status));
    } else {
        let gateway_file = dirs.config("gateway.json");
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        print!("{}", render::render(&status, &gateway_file, jiff::Timestamp::now(), colours));
    }
    if status.is_reachable() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn json(status: &Status) -> String {
    serde_json::to_string_pretty(status).expect("the status has no maps with odd keys")
}

fn next_step(error: &NoAnswer) -> &'static str {
    match error {
        NoAnswer::Connect { source, .. } => match source.kind() {
            ErrorKind::PermissionDenied => {
                "ask as the user that the node runs as, or as root (sudo fastx status)"
            }
            _ => {
                "start it: systemctl start fastx-node; if it ended by itself: journalctl -u fastx-node -n 50"
            }
        },
        NoAnswer::Slow => {
            "look at what it does: journalctl -u fastx-node -n 50; restart it: systemctl restart fastx-node"
        }
        NoAnswer::Http(_) | NoAnswer::Content(_) => {
            "restart it, so that it is of the same version as this program"
        }
    }
}
