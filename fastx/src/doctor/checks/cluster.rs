//! Broker, store, the other members and their clocks.

use cluster::transporter::Link;

use super::Verdict;
use crate::doctor::facts::{BrokerFacts, Facts, Service};

/// A certificate that ends so soon is renewed now.
const DAYS: i64 = 30;
/// Logins and revisions allow a minute; the half of it is still well.
const WARN_SECONDS: f64 = 30.0;
const FAIL_SECONDS: f64 = 60.0;

const ALONE: &str = "this server stands alone: there is no broker.json";

pub(super) fn reached(facts: &Facts) -> Vec<Verdict> {
    let Some(broker) = &facts.broker else { return vec![Verdict::skip(ALONE)] };
    let any = broker.servers.iter().any(|seen| seen.reached.is_ok());
    let verdict = |seen: &cluster::transporter::probe::Seen| match &seen.reached {
        Ok(took) => Verdict::pass(format!("{} answers in {:.1} ms", seen.server, took.as_secs_f64() * 1e3)),
        Err(why) => {
            let (host, port) = seen.server.rsplit_once(':').unwrap_or((&seen.server, ""));
            let found = format!("{} cannot be reached: {why}", seen.server);
            let mend = format!(
                "nc -vz {} {port}; on that machine: systemctl restart fastx-broker (or nats-server, redis-server), \
                 and let its firewall pass TCP {port}",
                host.trim_matches(['[', ']'])
            );
            // One of several is enough.
            if any { Verdict::warn(found, mend) } else { Verdict::fail(found, mend) }
        }
    };
    broker.servers.iter().map(verdict).collect()
}

pub(super) fn certificate(facts: &Facts) -> Vec<Verdict> {
    let Some(broker) = &facts.broker else { return vec![Verdict::skip(ALONE)] };
    let file = facts.config_dir.join("broker.json");
    let copy = format!("copy broker.json from a manager again: scp MANAGER:{0} {0}", file.display());
    let mut verdicts = Vec::new();
    for seen in &broker.servers {
        let server = &seen.server;
        verdicts.push(match &seen.certificate {
            None => Verdict::skip(format!("{server} is not reached")),
            Some(Err(why)) => Verdict::fail(format!("{server}: {why}"), copy.clone()),
            Some(Ok(shown)) => {
                let left = shown.ends.duration_since(facts.now).as_hours() / 24;
                match (shown.unchecked, left) {
                    (_, ..DAYS) => {
                        let mend = "setup-fastx-cluster on the manager makes a new one";
                        Verdict::warn(format!("the certificate of {server} ends in {left} days"), mend)
                    }
                    (true, _) => {
                        let found =
                            format!("{server} is believed without a check (rejectUnauthorized is false)");
                        Verdict::warn(found, format!("remove rejectUnauthorized from {}", file.display()))
                    }
                    _ => Verdict::pass(format!("{server} is who it should be, for {left} more days")),
                }
            }
        });
    }
    verdicts
}

pub(super) fn login(facts: &Facts) -> Vec<Verdict> {
    let Some(broker) = &facts.broker else { return vec![Verdict::skip(ALONE)] };
    let mut verdicts = vec![match &broker.login {
        None => Verdict::skip("no server of the broker can be used"),
        Some(Ok(took)) => Verdict::pass(format!("let in within {:.1} ms", took.as_secs_f64() * 1e3)),
        Some(Err(why)) => {
            let file = facts.config_dir.join("broker.json");
            let mend = format!("copy broker.json from a manager again: scp MANAGER:{0} {0}", file.display());
            Verdict::fail(format!("not let in: {why}"), mend)
        }
    }];
    if let (Service::Runs { link: Some(Link::Down { since, why }), .. }, true) =
        (&facts.service, is_let_in(broker))
    {
        let found = format!("the service has no link since {since}: {why}");
        verdicts.push(Verdict::fail(
            found,
            format!("systemctl restart {}, if a minute later it is the same", facts.unit),
        ));
    }
    verdicts
}

fn is_let_in(broker: &BrokerFacts) -> bool {
    matches!(broker.login, Some(Ok(_)))
}

pub(super) fn store(facts: &Facts) -> Vec<Verdict> {
    let mut verdicts = vec![match &facts.store {
        None => Verdict::skip("without the broker no manager can be asked"),
        Some(Ok(tried)) => {
            Verdict::pass(format!("takes a write in {:.1} ms", tried.took.as_secs_f64() * 1e3))
        }
        Some(Err(why)) => {
            let mend = match facts.broker {
                Some(_) => "on a manager: systemctl status fastx-manager; fastx doctor".to_owned(),
                None => format!("ls -ld {0}/store; df -h {0}", facts.local_dir.display()),
            };
            Verdict::fail(format!("takes no write: {why}"), mend)
        }
    }];
    verdicts.extend(facts.damaged.iter().map(|path| {
        let found = format!("{} was torn; the document before it is used", path.display());
        Verdict::warn(found, format!("look at it, then rm {}", path.display()))
    }));
    verdicts
}

pub(super) fn versions(facts: &Facts) -> Vec<Verdict> {
    let Some(members) = &facts.members else { return vec![Verdict::skip("nobody says who is there")] };
    if members.is_empty() {
        return vec![Verdict::skip("no server is in the cluster yet")];
    }
    let ours = env!("CARGO_PKG_VERSION");
    let others = members.iter().filter(|(_, version)| version != ours);
    let other: Vec<String> = others.map(|(id, version)| format!("{id} has {version}")).collect();
    vec![match other.is_empty() {
        true => Verdict::pass(format!("all {} members have fastx {ours}", members.len())),
        false => {
            let found = format!("this server has fastx {ours}; {}", other.join(", "));
            Verdict::warn(found, "install the same package on all of them, one after the other")
        }
    }]
}

pub(super) fn clock(facts: &Facts) -> Vec<Verdict> {
    let manager = facts.store.as_ref().and_then(|tried| tried.as_ref().ok()?.ahead);
    // A manager in this process has this clock.
    let manager = manager.filter(|_| facts.broker.is_some()).map(|ahead| ("the manager".to_owned(), ahead));
    let gateways =
        facts.gateways.iter().filter_map(|gateway| Some((gateway.address.clone(), gateway.ahead?)));
    let verdict = |(who, ahead): (String, f64)| {
        let side = if ahead < 0.0 { "ahead of" } else { "behind" };
        let found = format!("this clock is {:.1} s {side} that of {who}", ahead.abs());
        let mend = "timedatectl set-ntp true; timedatectl timesync-status (on both machines)";
        match ahead.abs() {
            off if off >= FAIL_SECONDS => Verdict::fail(found, mend),
            off if off >= WARN_SECONDS => Verdict::warn(found, mend),
            _ => Verdict::pass(found),
        }
    };
    let verdicts: Vec<Verdict> = manager.into_iter().chain(gateways).map(verdict).collect();
    if verdicts.is_empty() { vec![Verdict::skip("there is no other clock to look at")] } else { verdicts }
}
