//! The ways to gateways, and what is near.

use super::Verdict;
use crate::doctor::facts::{Facts, GatewayFacts};

pub(super) fn gateway(facts: &Facts) -> Vec<Verdict> {
    let wanted: Vec<&GatewayFacts> = facts.gateways.iter().filter(|gateway| gateway.tcp_wanted).collect();
    if facts.gateways.is_empty() {
        let file = facts.config_dir.join("gateway.json");
        return vec![Verdict::skip(format!("{} names no gateway", file.display()))];
    }
    let verdict = |gateway: &GatewayFacts| match &gateway.tls {
        Ok(took) => {
            let took = took.as_secs_f64() * 1e3;
            Verdict::pass(format!("{} is who it should be, in {took:.1} ms", gateway.address))
        }
        Err(why) => {
            let mend = format!(
                "let TCP to {} out; if its certificate is another: copy gateway.json from it again",
                gateway.address
            );
            Verdict::fail(format!("{}: {why}", gateway.address), mend)
        }
    };
    wanted.into_iter().map(verdict).collect()
}

pub(super) fn udp(facts: &Facts) -> Vec<Verdict> {
    let verdict = |gateway: &GatewayFacts| {
        let address = &gateway.address;
        match &gateway.udp {
            _ if !gateway.udp_wanted => {
                Verdict::skip(format!("{address}: gateway.json says that TLS carries everything"))
            }
            Ok(path) => Verdict::pass(format!(
                "{address} answers over QUIC in {:.1} ms",
                path.rtt.as_secs_f64() * 1e3
            )),
            Err(why) => {
                let found = format!("{address} gives no answer over QUIC: {why}");
                let mend = format!(
                    "let UDP to {address} out of this network's firewall; until then TLS over TCP is slower"
                );
                // With TLS it works all the same.
                if gateway.tcp_wanted && gateway.tls.is_ok() {
                    Verdict::warn(found, mend)
                } else {
                    Verdict::fail(found, mend)
                }
            }
        }
    };
    match facts.gateways.is_empty() {
        true => vec![Verdict::skip("there is no gateway to look for")],
        false => facts.gateways.iter().map(verdict).collect(),
    }
}

pub(super) fn buffers(facts: &Facts) -> Vec<Verdict> {
    let Some(buffers) = facts.gateways.iter().find_map(|gateway| Some(gateway.udp.as_ref().ok()?.buffers))
    else {
        return vec![Verdict::skip("no QUIC was spoken")];
    };
    let (granted, asked) = (buffers.receive.min(buffers.send), buffers.asked);
    vec![match granted < asked {
        true => Verdict::warn(
            format!("the kernel grants {granted} of {asked} bytes for UDP: fast transfers will lose packets"),
            format!("sysctl -w net.core.rmem_max={asked} net.core.wmem_max={asked}"),
        ),
        false => Verdict::pass(format!("the kernel grants {granted} bytes")),
    }]
}

pub(super) fn ports(facts: &Facts) -> Vec<Verdict> {
    if facts.nearby.is_empty() {
        return vec![Verdict::skip("services.json and lan.json name nothing")];
    }
    let verdict = |near: &crate::doctor::facts::NearbyFacts| match &near.found {
        Ok(()) => Verdict::pass(format!("{} is at {}", near.name, near.place)),
        Err(why) => {
            let found = format!("{} is not at {}: {why}", near.name, near.place);
            Verdict::fail(found, format!("ss -lntxp | grep {}", near.place.trim_start_matches("unix:")))
        }
    };
    facts.nearby.iter().map(verdict).collect()
}
