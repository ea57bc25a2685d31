//! The status as text: each gateway with what carries it, or with why it is not there and the next step.

use std::fmt::Write;
use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};
use node::status::{GatewayStatus, LinkState, Status};

/// `now` is the moment of the answer; `gateway_file` is named when it is missing.
pub(super) fn render(status: &Status, gateway_file: &Path, now: Timestamp, colours: bool) -> String {
    let mut page = Page { text: String::new(), now, colours };
    page.head(status);
    if status.gateways.is_empty() {
        page.line(&format!("gateways   none: {} names none", gateway_file.display()));
        page.next("copy it from the gateway, mode 0600, owned by the node's user; then systemctl restart fastx-node");
    }
    status.gateways.iter().for_each(|gateway| page.gateway(gateway));
    page.offers(status);
    if let Some(error) = &status.reload_error {
        page.line("");
        page.line(&page.red("the last reload was refused; what ran before runs on:"));
        page.line(error);
    }
    page.text
}

struct Page {
    text: String,
    now: Timestamp,
    colours: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn next(&mut self, step: &str) {
        self.line(&format!("             next: {step}"));
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn red(&self, text: &str) -> String {
        self.paint(31, text)
    }

    fn ago(&self, then: Timestamp) -> String {
        span(self.now.duration_since(then).as_secs())
    }

    fn until(&self, then: Timestamp) -> String {
        span(then.duration_since(self.now).as_secs())
    }

    fn head(&mut self, status: &Status) {
        let Status { server_id, version, uptime_seconds, generation, pid, .. } = status;
        let up = span(i64::try_from(*uptime_seconds).unwrap_or(i64::MAX));
        self.line(&format!(
            "node       {server_id}, fastx {version}, up {up}, start {generation}, process {pid}"
        ));
        if status.draining {
            self.line(&self.paint(33, "           it ends: open streams may finish, new ones go elsewhere"));
        }
    }

    fn gateway(&mut self, gateway: &GatewayStatus) {
        let address = config::HostPort { host: gateway.host.clone(), port: gateway.port };
        let state = match &gateway.state {
            LinkState::Connected => self.paint(32, &self.connected(gateway)),
            LinkState::Connecting => self.paint(33, "connecting"),
            LinkState::Waiting { retry } => {
                self.red(&format!("not connected, tries again in {}", self.until(*retry)))
            }
            LinkState::Refused { code, .. } => self.red(&format!("refused ({})", code_name(*code))),
            LinkState::Draining => {
                self.paint(33, "the gateway goes away; this node comes back to it by itself")
            }
        };
        self.line(&format!("gateway    {address}  {state}"));
        if let LinkState::Refused { reason, next_step, retry, .. } = &gateway.state {
            self.line(&format!("             why:  {reason}"));
            self.next(next_step);
            self.line(&format!("             asks again in {}", self.until(*retry)));
        }
        self.trouble(gateway);
    }

    /// `QUIC, 0.4 ms, since 2026-11-22 17:00 (3 h), 2 tunnels, 5 streams`
    fn connected(&self, gateway: &GatewayStatus) -> String {
        let mut text = "connected".to_owned();
        if let Some(carrier) = gateway.transport {
            let _infallible = write!(text, " over {carrier}");
        }
        if let Some(rtt) = gateway.rtt_ms {
            let _infallible = write!(text, ", {rtt:.1} ms");
        }
        if let Some(since) = gateway.since {
            let local = since.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M");
            let _infallible = write!(text, ", since {local} ({})", self.ago(since));
        }
        let tunnels = gateway.tunnels.iter().filter(|tunnel| !tunnel.leaving).count();
        let _infallible =
            write!(text, ", {}, {}", count(tunnels, "tunnel"), count(gateway.streams, "stream"));
        text
    }

    fn trouble(&mut self, gateway: &GatewayStatus) {
        if let Some(retry) = gateway.quic_retry {
            let wait = self.until(retry);
            self.line(&format!(
                "             UDP does not pass here, so TLS is used; QUIC is tried again in {wait}"
            ));
        }
        let buffers = gateway.tunnels.iter().find_map(|tunnel| tunnel.udp_buffers);
        if let Some(advice) = buffers.and_then(|buffers| buffers.advice()) {
            self.line(&format!("             {advice}"));
        }
        let Some(error) = &gateway.last_error else { return };
        match gateway.state {
            // Its reason stands above.
            LinkState::Refused { .. } => {}
            LinkState::Connected => {
                let ago = self.ago(error.at);
                self.line(&format!("             last trouble {ago} ago: {}", error.what));
            }
            _ => {
                self.line(&format!("             why:  {}", error.what));
                self.next("see that the gateway runs, and that a firewall here lets UDP and TCP to it out");
            }
        }
    }

    fn offers(&mut self, status: &Status) {
        let services: Vec<String> =
            status.services.iter().map(|service| format!("{} ({})", service.name, service.connect)).collect();
        self.line(&format!("services   {}", services.join(", ")));
        if !status.lan.peers.is_empty() {
            let peers: Vec<&str> = status.lan.peers.iter().map(|peer| peer.server_id.as_str()).collect();
            let listen = status.lan.listen.as_deref().unwrap_or("nothing");
            self.line(&format!("lan        listens on {listen}; peers: {}", peers.join(", ")));
        }
    }
}

/// `kebab-case`, as it is on the wire and in the documentation.
fn code_name(code: impl serde::Serialize) -> String {
    let name = serde_json::to_value(code).ok();
    name.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The two largest units.
pub(crate) fn span(seconds: i64) -> String {
    let s = seconds.max(0);
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
