//! What one nats-server runs from.

use cluster::admission::Authority;

use super::certificates::Certifier;
use super::{FoundError, Plan, Written};

/// Where brokers speak to each other.
const ROUTES: u16 = 6222;

/// The files' names are relative: nats-server is started in their folder. What it keeps is in `$STATE_DIRECTORY`, which
/// systemd makes.
pub(super) fn files(
    plan: &Plan,
    host: &str,
    hosts: &[&str],
    authority: &Authority,
    certifier: &Certifier,
) -> Result<Vec<Written>, FoundError> {
    let made = certifier.certificate(host)?;
    let file = |name: &str, text: String| Written { path: format!("broker/{name}"), text };
    Ok(vec![
        file("nats.conf", settings(plan, host, hosts, authority)),
        file("ca.pem", certifier.ca().to_owned()),
        file("server.pem", made.certificate),
        file("server.key", made.key),
    ])
}

fn settings(plan: &Plan, host: &str, hosts: &[&str], authority: &Authority) -> String {
    let listen = listen(host);
    // Both ends of a route show a certificate of the cluster's own authority; nobody else has one.
    let routes: Vec<String> = hosts
        .iter()
        .filter(|other| **other != host)
        .map(|other| format!("    \"tls://{}:{ROUTES}\"\n", bracketed(other)))
        .collect();
    let cluster = if routes.is_empty() {
        String::new()
    } else {
        format!(
            "cluster {{\n  name: \"{}\"\n  listen: \"{listen}:{ROUTES}\"\n  \
             tls {{ cert_file: \"server.pem\", key_file: \"server.key\", ca_file: \"ca.pem\", verify: true, timeout: 10 }}\n  \
             routes: [\n{}  ]\n}}\n",
            plan.namespace,
            routes.concat()
        )
    };
    format!(
        "# Made by `fastx manager init`, and again by the next one.\n\
         server_name: \"{host}\"\nlisten: \"{listen}:{}\"\n\
         tls {{ cert_file: \"server.pem\", key_file: \"server.key\", timeout: 10 }}\n\
         {cluster}{}",
        plan.port,
        authority.nats_settings("$STATE_DIRECTORY")
    )
}

/// A host that is named by an address listens on that one only.
fn listen(host: &str) -> String {
    if host.parse::<std::net::IpAddr>().is_ok() { bracketed(host) } else { "0.0.0.0".into() }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}
