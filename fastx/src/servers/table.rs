//! Servers as a table.

use cluster::membership::Standing;
use cluster::server::Listed;
use jiff::Timestamp;

use crate::status::span;

const HEAD: [&str; 9] =
    ["SERVER", "STANDING", "SEEN", "SESSIONS", "USERS", "CPU", "LOAD", "MEMORY", "VERSION"];

/// One line for each, and below it what an administrator should know.
pub(super) fn render(servers: &[Listed], now: Timestamp, colours: bool) -> String {
    let rows: Vec<[String; 9]> = servers.iter().map(|listed| row(listed, now)).collect();
    let head = HEAD.map(str::to_owned);
    let widths: [usize; 9] = std::array::from_fn(|column| {
        rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    let mut text = line(&head, &widths, None);
    if servers.is_empty() {
        text += "nobody yet; a node comes in with a token: fastx manager token create --out FILE, and there: fastx node join FILE\n";
    }
    for (listed, row) in servers.iter().zip(&rows) {
        text += &line(row, &widths, Some(colour(listed.standing)).filter(|_| colours));
        for note in notes(listed) {
            text += &format!("  {note}\n");
        }
    }
    text
}

fn line(row: &[String; 9], widths: &[usize; 9], colour: Option<u8>) -> String {
    let mut text = String::new();
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let padded = format!("{cell:width$}");
        match colour {
            Some(colour) if column == 1 => text += &format!("\x1b[{colour}m{padded}\x1b[0m"),
            _ => text += &padded,
        }
        text += "  ";
    }
    format!("{}\n", text.trim_end())
}

fn row(listed: &Listed, now: Timestamp) -> [String; 9] {
    let Listed { standing, last_seen, server } = listed;
    // Of who has not described itself there are no numbers.
    let known = |cell: String| if server.updated.is_some() { cell } else { "-".to_owned() };
    [
        server.server_id.as_str().to_owned(),
        name(*standing).to_owned(),
        format!("{} ago", span(now.duration_since(*last_seen).as_secs())),
        known(server.sessions.to_string()),
        known(server.logged_in_users.len().to_string()),
        known(format!("{:.0} %", server.cpu)),
        known(format!("{:.2}", server.loadavg[0])),
        known(format!("{} of {} free", gigabytes(server.freemem), gigabytes(server.totalmem))),
        known(server.version.clone()),
    ]
}

/// As it stands in JSON.
pub(crate) fn name(standing: Standing) -> &'static str {
    match standing {
        Standing::Alive => "alive",
        Standing::Draining => "draining",
        Standing::Late => "late",
        Standing::Lost => "lost",
        Standing::Left => "left",
        Standing::Revoked => "revoked",
    }
}

fn colour(standing: Standing) -> u8 {
    match standing {
        Standing::Alive => 32,
        Standing::Draining | Standing::Late | Standing::Left => 33,
        Standing::Lost | Standing::Revoked => 31,
    }
}

pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

fn notes(listed: &Listed) -> Vec<String> {
    let server = &listed.server;
    let mut notes = Vec::new();
    if !server.allows.logins {
        notes.push("no logins are allowed here".to_owned());
    }
    if !server.allows.sessions && !server.draining {
        notes.push("no new sessions are allowed here".to_owned());
    }
    notes.extend(server.metric_errors.iter().map(|(name, why)| format!("metric {name}: {why}")));
    for gateway in server.gateways.iter().filter(|gateway| !gateway.connected) {
        notes.push(format!("not connected to the gateway {}:{}", gateway.host, gateway.port));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::Name;
    use cluster::server::Server;

    #[test]
    fn a_lost_server_is_shown_with_when_it_was_seen_and_what_failed() {
        let now = Timestamp::now();
        let mut server = Server::named(&Name::new("gpu-7").unwrap());
        server.updated = Some(now);
        server.metric_errors.insert("licences".into(), "exit status: 3".into());
        let last_seen = now - jiff::SignedDuration::from_secs(95);
        let fresh = Server::named(&Name::new("new").unwrap());
        let listed = [
            Listed { standing: Standing::Lost, last_seen, server },
            Listed { standing: Standing::Alive, last_seen: now, server: fresh },
        ];
        let text = render(&listed, now, false);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("gpu-7   lost      1 min 35 s ago  0"), "{text}");
        assert_eq!(lines[2], "  metric licences: exit status: 3");
        assert!(lines[3].starts_with("new     alive     0 s ago         -"), "{text}");
        assert!(render(&listed, now, true).contains("\x1b[31mlost"));
    }
}
