//! `fastx-gateway nodes`: who is connected, who was, and who claimed to be one of them.

use std::fmt::Write;

use config::Dirs;
use jiff::{SignedDuration, Timestamp};
use relay::report::{NodeReport, NodesReport, State};

use crate::admin;
use crate::arguments::Output;

pub(crate) fn nodes(dirs: &Dirs, output: &Output) -> anyhow::Result<()> {
    let body = admin::get(dirs, "/nodes")?;
    if output.json {
        print!("{body}");
    } else {
        print!("{}", table(&serde_json::from_str(&body)?, Timestamp::now()));
    }
    Ok(())
}

const HEADS: [&str; 8] = ["SERVER", "STATE", "VIA", "RTT", "ADDRESS", "SINCE", "SERVICES", "KEY"];

fn table(report: &NodesReport, now: Timestamp) -> String {
    if report.nodes.is_empty() {
        return "No node ever connected. Copy gateway.json to a node and restart it.\n".into();
    }
    let rows: Vec<[String; 8]> = report.nodes.iter().map(|node| row(node, now)).collect();
    let mut widths = HEADS.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&HEADS.map(str::to_owned)).chain(&rows) {
        let line: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    for conflict in report.nodes.iter().flat_map(|node| &node.conflicts) {
        let _infallible = write!(
            text,
            "\nCONFLICT: {} was claimed {} times with another key, {}, last by {} at {:.0}.\n  \
             If that machine was set up anew: fastx-gateway revoke --forget {}; otherwise somebody copied gateway.json.\n",
            conflict.server,
            conflict.count,
            short(conflict.key.as_str()),
            conflict.from,
            conflict.last,
            conflict.server,
        );
    }
    text
}

fn row(node: &NodeReport, now: Timestamp) -> [String; 8] {
    let dash = || "-".to_owned();
    let state = match node.state {
        State::Connected => "connected",
        State::Doubtful => "doubtful",
        State::Draining => "draining",
        State::Unreachable => "unreachable",
        State::Revoked => "revoked",
    };
    let via = node.transport.map_or_else(dash, |transport| match node.tunnels.len() {
        1 => transport.to_string(),
        count => format!("{transport} x{count}"),
    });
    [
        node.server.to_string(),
        state.into(),
        via,
        node.rtt_ms.map_or_else(dash, |rtt| format!("{rtt:.1} ms")),
        node.address.clone().unwrap_or_else(dash),
        age(now.duration_since(node.since)),
        if node.services.is_empty() { dash() } else { node.services.join(",") },
        short(node.key.as_str()).to_owned(),
    ]
}

/// Enough of a fingerprint to compare by eye; `--json` has all of it.
fn short(key: &str) -> &str {
    key.get(..23).unwrap_or(key)
}

fn age(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_states_and_conflicts() {
        let report = r#"{"nodes": [{"server": "n1", "state": "connected", "transport": "quic", "rttMs": 0.25,
            "address": "192.0.2.1:4711", "since": "2026-01-01T00:00:00Z", "firstSeen": null, "services": ["ssh"],
            "reach": [], "key": "sha256:0123456789abcdef0123456789abcdef", "version": "1", "generation": 1,
            "openStreams": 0, "tunnels": [], "conflicts": [{"server": "n1", "key": "sha256:ffff", "from": "192.0.2.9",
            "last": "2026-01-01T00:00:00Z", "count": 3}]}]}"#;
        let report = serde_json::from_str(report).unwrap();
        let text = table(&report, "2026-01-01T03:00:00Z".parse().unwrap());
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("SERVER  STATE"), "{text}");
        assert!(
            lines[1].contains("connected") && lines[1].contains("3 h") && lines[1].contains("ssh"),
            "{text}"
        );
        assert!(text.contains("CONFLICT: n1 was claimed 3 times") && text.contains("192.0.2.9"), "{text}");
    }
}
