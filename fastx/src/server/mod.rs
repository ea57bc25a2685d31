//! `fastx server`: one server, and what is wanted of it.

mod show;
mod static_data;

use std::process::ExitCode;

use cluster::plane::PlaneStatus;
use cluster::server::Duty;
use http::Method;
use serde_json::{Value, json};

use crate::ask::{self, NoAnswer};
use crate::cli::{ForgetOptions, OneOptions, ServerCommand, YesNo};

pub(crate) fn server(command: &ServerCommand) -> ExitCode {
    let done = match command {
        ServerCommand::Show(options) => show::show(options),
        ServerCommand::StaticData(options) => return static_data::run(options),
        ServerCommand::Drain(options) => wish(options, &json!({ "draining": true })),
        ServerCommand::Undrain(options) => wish(options, &json!({ "draining": false })),
        ServerCommand::Allow(options) => {
            let mut wished = json!({});
            for (what, allowed) in [("logins", options.logins), ("sessions", options.sessions)] {
                if let Some(allowed) = allowed {
                    wished[what] = (allowed == YesNo::Yes).into();
                }
            }
            wish(&options.one, &wished)
        }
        ServerCommand::Forget(options) => forget(options),
    };
    done.map_or_else(|error| error.tell(), |()| ExitCode::SUCCESS)
}

/// Writes down what is wanted; the server does it as soon as it hears of it.
fn wish(options: &OneOptions, wished: &Value) -> Result<(), NoAnswer> {
    let socket = ask::socket(&options.folders.dirs());
    let server = match &options.server {
        Some(server) => server.clone(),
        None => ask::get::<PlaneStatus>(&socket, "/control-plane")?.server_id.to_string(),
    };
    let path = format!("/servers/{server}/duty");
    let duty: Duty = ask::ask(&socket, Method::PATCH, &path, wished.to_string().into())?;
    if options.json {
        println!("{:#}", json!({ "serverId": server, "duty": duty }));
        return Ok(());
    }
    let said = |allowed: bool| if allowed { "yes" } else { "no" };
    let allows = duty.allows();
    println!("{server}: logins {}, new sessions {}", said(allows.logins), said(allows.sessions));
    if duty.draining {
        println!("it drains: sessions that run go on; `fastx server undrain {server}` ends it");
    }
    Ok(())
}

fn forget(options: &ForgetOptions) -> Result<(), NoAnswer> {
    let socket = ask::socket(&options.folders.dirs());
    let () = ask::ask(&socket, Method::DELETE, &format!("/servers/{}", options.server), "".into())?;
    if options.json {
        println!("{:#}", json!({ "serverId": options.server, "forgotten": true }));
    } else {
        println!("{} is forgotten; it comes back by itself if it is started again", options.server);
    }
    Ok(())
}
