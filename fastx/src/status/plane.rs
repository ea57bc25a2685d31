//! The control plane as text: what is missing, since when, and why.

use cluster::Role;
use cluster::plane::PlaneStatus;
use cluster::transporter::Link;
use jiff::Timestamp;

use super::span;

pub(super) fn render(plane: &PlaneStatus, now: Timestamp) -> String {
    let PlaneStatus { server_id, role, namespace, broker, store } = plane;
    let part = |name: &str, link: &Link| match link {
        Link::Up { since } => {
            format!("{name:10} reached, for {}\n", span(now.duration_since(*since).as_secs()))
        }
        Link::Down { since, why } => format!(
            "{name:10} not reached for {}; sessions go on without it\n             why:  {why}\n{}",
            span(now.duration_since(*since).as_secs()),
            next(why)
        ),
    };
    match role {
        Role::Standalone => {
            let store = if store.is_up() { String::new() } else { part("store", store) };
            format!("cluster    none: this server stands alone (no broker.json)\n{store}")
        }
        Role::Member | Role::Manager => {
            let role = if *role == Role::Manager { "manager " } else { "" };
            // What is behind a broker that is not reached is not known.
            let store = if broker.is_up() { part("store", store) } else { String::new() };
            format!("cluster    {namespace}, {role}{server_id}\n{}{store}", part("broker", broker))
        }
    }
}

/// Where the reason names its mend to those only who know brokers.
fn next(why: &str) -> &'static str {
    if why.to_lowercase().contains("authorization violation") {
        return "             next: its login was revoked, or is of another cluster: on a manager `fastx manager readmit ID`, and a \
                new token for `fastx node join --force`\n";
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(role: &str, broker: serde_json::Value, store: serde_json::Value) -> String {
        let plane =
            json!({ "serverId": "a", "role": role, "namespace": "lab", "broker": broker, "store": store });
        render(&serde_json::from_value(plane).unwrap(), "2026-11-22T20:00:00Z".parse().unwrap())
    }

    #[test]
    fn what_is_missing_stands_there_since_when_and_why() {
        let up = || json!({ "is": "up", "since": "2026-11-22T19:00:00Z" });
        let down = |why: &str| json!({ "is": "down", "since": "2026-11-22T19:58:00Z", "why": why });
        let all = shown("member", up(), up());
        assert_eq!(
            all,
            "cluster    lab, a\nbroker     reached, for 1 h 0 min\nstore      reached, for 1 h 0 min\n"
        );
        let text = shown("member", down("connection refused"), up());
        assert!(text.contains("broker     not reached for 2 min 0 s"), "{text}");
        assert!(text.contains("why:  connection refused") && !text.contains("store"), "{text}");
        let refused = shown("member", down("m:4222: Authorization Violation: nats"), up());
        assert!(refused.contains("next: its login was revoked"), "{refused}");
        assert!(shown("manager", up(), down("no manager")).contains("store      not reached for 2 min"));
        assert!(!shown("standalone", up(), up()).contains("reached"));
    }
}
