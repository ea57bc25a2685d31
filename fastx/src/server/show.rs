//! `fastx server show`.

use std::fmt::Write;

use cluster::server::{Listed, Server};
use jiff::Timestamp;

use crate::ask::{self, NoAnswer};
use crate::cli::OneOptions;
use crate::servers::{gigabytes, name};
use crate::status::span;

pub(super) fn show(options: &OneOptions) -> Result<(), NoAnswer> {
    let socket = ask::socket(&options.folders.dirs());
    match &options.server {
        Some(server) => {
            let listed: Listed = ask::get(&socket, &format!("/servers/{server}"))?;
            let seen = span(Timestamp::now().duration_since(listed.last_seen).as_secs());
            let standing = format!("{}, seen {seen} ago", name(listed.standing));
            print(options.json, &listed, || render(&listed.server, Some(&standing)));
        }
        // It knows itself without asking anybody.
        None => {
            let server: Server = ask::get(&socket, "/server")?;
            print(options.json, &server, || render(&server, None));
        }
    }
    Ok(())
}

fn print<T: serde::Serialize>(as_json: bool, what: &T, text: impl Fn() -> String) {
    if as_json {
        println!("{}", serde_json::to_string_pretty(what).expect("a server has no maps with odd keys"));
    } else {
        print!("{}", text());
    }
}

fn render(server: &Server, standing: Option<&str>) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        let _infallible = writeln!(text, "{key:10} {value}");
    };
    line("server", server.server_id.as_str());
    standing.into_iter().for_each(|standing| line("standing", standing));
    line(
        "machine",
        &format!("{}, up {}", server.hostname, span(i64::try_from(server.uptime).unwrap_or(i64::MAX))),
    );
    line("fastx", &server.version);
    let allowed = match (server.draining, server.allows.logins, server.allows.sessions) {
        (true, ..) => "it drains: no new sessions",
        (_, true, true) => "logins, new sessions",
        (_, true, false) => "logins, and no new sessions",
        (_, false, true) => "new sessions, and no logins",
        (_, false, false) => "neither logins nor new sessions",
    };
    line("allows", allowed);
    line("sessions", &server.sessions.to_string());
    line("people", &server.logged_in_users.join(", "));
    let [one, five, fifteen] = server.loadavg;
    line("load", &format!("{:.0} % of {} CPUs; {one} {five} {fifteen}", server.cpu, server.cpus));
    let free = |free: u64, total: u64| format!("{} of {} free", gigabytes(free), gigabytes(total));
    line("memory", &free(server.freemem, server.totalmem));
    server
        .disks
        .iter()
        .for_each(|disk| line("disk", &format!("{} {}", disk.path, free(disk.free, disk.total))));
    server.gpus.iter().for_each(|gpu| {
        let busy = gpu.utilization.map_or_else(String::new, |busy| format!(", {busy:.0} % busy"));
        line("gpu", &format!("{}{busy}", gpu.name));
    });
    server.gateways.iter().for_each(|gateway| {
        let way = match (&gateway.transport, gateway.rtt_ms) {
            (Some(transport), Some(rtt)) => format!("{transport}, {rtt:.1} ms"),
            (Some(transport), None) => transport.clone(),
            (None, _) => "not connected".to_owned(),
        };
        line("gateway", &format!("{}:{} {way}", gateway.host, gateway.port));
    });
    server.urls.iter().for_each(|url| line("page", url));
    server.static_data.iter().for_each(|(key, value)| line("static", &format!("{key} = {value}")));
    server.metrics.iter().for_each(|(key, value)| line("metric", &format!("{key} = {value}")));
    server.metric_errors.iter().for_each(|(key, why)| line("metric", &format!("{key} failed: {why}")));
    text
}
