//! What the running service says.

use cluster::plane::PlaneStatus;
use config::Dirs;
use http::Method;
use node::status::Status;
use serde::Deserialize;

use crate::ask::{self, NoAnswer};
use crate::doctor::facts::{Service, Tried};

pub(super) fn ask(dirs: &Dirs) -> Service {
    let socket = ask::socket(dirs);
    let plane = ask::get::<PlaneStatus>(&socket, "/control-plane");
    let status = match ask::get::<Status>(&socket, "/status") {
        Ok(status) => Some(status),
        // A manager alone has none.
        Err(NoAnswer::Refused(_)) => None,
        Err(why) => return Service::Not { why: why.to_string() },
    };
    Service::Runs {
        version: status.as_ref().map(|status| status.version.clone()),
        status: status.map(Box::new),
        link: plane.ok().map(|plane| plane.broker),
    }
}

pub(super) fn unit(dirs: &Dirs) -> &'static str {
    if ask::socket(dirs).ends_with("manager.sock") { "fastx-manager" } else { "fastx-node" }
}

/// The service writes: it may reach more, or less, than this program.
pub(super) fn try_store(dirs: &Dirs) -> Result<Tried, String> {
    let tried = ask::ask(&ask::socket(dirs), Method::POST, "/doctor/store", bytes::Bytes::new());
    tried.map_err(|error: NoAnswer| error.to_string())
}

/// As much of a server as is judged here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    server_id: String,
    version: String,
}

/// Id and version of everybody who is known; `None` when nobody says.
pub(super) fn members(dirs: &Dirs) -> Option<Vec<(String, String)>> {
    let members = ask::get::<Vec<Member>>(&ask::socket(dirs), "/servers").ok()?;
    Some(members.into_iter().map(|member| (member.server_id, member.version)).collect())
}
