//! `fastx-gateway status`: how the gateway is.

use config::Dirs;
use relay::report::StatusReport;

use crate::admin;
use crate::arguments::Output;

pub(crate) fn status(dirs: &Dirs, output: &Output) -> anyhow::Result<()> {
    let body = admin::get(dirs, "/status")?;
    if output.json {
        print!("{body}");
    } else {
        print!("{}", describe(&serde_json::from_str(&body)?));
    }
    Ok(())
}

fn describe(status: &StatusReport) -> String {
    let state = if status.draining { "draining" } else { "serving" };
    let mut lines = vec![
        format!("{} {state} since {:.0}, version {}", status.host, status.since, status.version),
        format!("listens on {}", status.listen.join(", ")),
        format!(
            "{} of {} nodes connected, by {} tunnels",
            status.nodes_connected, status.nodes_known, status.tunnels
        ),
        format!("{} client connections, {} streams", status.connections, status.open_streams),
    ];
    lines.extend(status.services.iter().map(|port| format!("port {} leads to {}", port.listen, port.to)));
    lines
        .extend(status.certificate_expires.map(|at| format!("the certificate for browsers ends on {at:.0}")));
    lines.extend(
        status
            .certificate_problem
            .iter()
            .map(|problem| format!("no newer certificate since {:.0}: {}", problem.at, problem.reason)),
    );
    if status.conflicts > 0 {
        lines.push(format!("{} claims with a wrong key: see `fastx-gateway nodes`", status.conflicts));
    }
    lines.extend(status.advice.iter().map(|advice| format!("advice: {advice}")));
    lines.join("\n") + "\n"
}
