//! `fastx status`: asks the node on this machine how it is, and says it to a person at 3 am.

mod plane;
mod render;

pub(crate) use self::render::span;

use std::io::IsTerminal;
use std::process::ExitCode;

use cluster::plane::PlaneStatus;
use config::Dirs;
use node::status::Status;

use crate::ask;
use crate::cli::StatusOptions;

/// Success means that clients reach this node: some gateway is connected.
pub(crate) fn show(options: &StatusOptions) -> ExitCode {
    let dirs = options.folders.dirs();
    if ask::socket(&dirs) == dirs.local("manager.sock") {
        return manager(&dirs, options.json);
    }
    let status: Status = match ask::get(&dirs.local("node.sock"), "/status") {
        Ok(status) => status,
        Err(error) => return error.tell(),
    };
    // A node that is just starting has none yet.
    let plane: Option<PlaneStatus> = ask::get(&dirs.local("node.sock"), "/control-plane").ok();
    if options.json {
        println!("{}", json(&status, plane.as_ref()));
    } else {
        let gateway_file = dirs.config("gateway.json");
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        print!("{}", render::render(&status, &gateway_file, jiff::Timestamp::now(), colours));
        plane.iter().for_each(|plane| print!("{}", plane::render(plane, jiff::Timestamp::now())));
    }
    if status.is_reachable() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Of a manager without a node.
fn manager(dirs: &Dirs, as_json: bool) -> ExitCode {
    let plane: PlaneStatus = match ask::get(&dirs.local("manager.sock"), "/control-plane") {
        Ok(plane) => plane,
        Err(error) => return error.tell(),
    };
    if as_json {
        println!("{:#}", serde_json::json!({ "controlPlane": plane }));
    } else {
        print!("{}", plane::render(&plane, jiff::Timestamp::now()));
    }
    if plane.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn json(status: &Status, plane: Option<&PlaneStatus>) -> String {
    let mut json = serde_json::to_value(status).expect("the status has no maps with odd keys");
    json["controlPlane"] = serde_json::to_value(plane).expect("it has no maps at all");
    format!("{json:#}")
}
