//! Metrics that are looked up when they are asked for: tunnels and servers as they are at that moment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tunnel::{Stats, Transport};

use crate::guard::Guard;
use crate::nodes::Nodes;

/// Servers that get series of their own; beyond it only the sums count them.
const SERVERS: usize = 1_000;

/// Tunnels and connections.
#[derive(Debug)]
pub(crate) struct Tunnels {
    pub nodes: Arc<Nodes>,
    pub guard: Arc<Guard>,
}

/// Label values: a server and a carrier.
type Key = (String, &'static str);

impl Collector for Tunnels {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.nodes.snapshot();
        let healthy = snapshot.servers().filter(|server| server.is_healthy()).count();
        let unhealthy = snapshot.servers().count() - healthy;
        let states = [("connected", healthy), ("unreachable", unhealthy)];
        let states = states.map(|(state, count)| ([("state", state.to_owned())], number(count)));
        gauges(&mut to, "servers", "Servers on record, by state", &states)?;
        let mut carriers = BTreeMap::from([("quic", 0), ("tls", 0)]);
        let mut streams = carriers.clone();
        for link in snapshot.links() {
            *carriers.entry(name(link.transport())).or_default() += 1;
            *streams.entry(name(link.transport())).or_default() += link.open_streams();
        }
        let labelled = |counts: BTreeMap<&'static str, usize>| {
            counts
                .into_iter()
                .map(|(carrier, count)| ([("carrier", carrier.to_owned())], number(count)))
                .collect::<Vec<_>>()
        };
        gauges(&mut to, "tunnels", "Tunnels, by carrier", &labelled(carriers))?;
        gauges(&mut to, "streams_open", "Streams in tunnels, by carrier", &labelled(streams))?;
        let none: [(&str, String); 0] = [];
        gauges(&mut to, "connections_open", "Client connections", &[(none, f64::from(self.guard.open()))])?;
        self.by_server(&mut to)
    }
}

impl Tunnels {
    fn by_server(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut worst: BTreeMap<Key, Stats> = BTreeMap::new();
        let snapshot = self.nodes.snapshot();
        let mut servers: Vec<_> = snapshot.servers().filter(|server| !server.tunnels.is_empty()).collect();
        servers.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        for server in servers.into_iter().take(SERVERS) {
            for entry in &server.tunnels {
                let stats = entry.link.stats();
                let key = (server.id.as_str().to_owned(), name(stats.transport));
                worst.entry(key).and_modify(|sum| add(sum, &stats)).or_insert(stats);
            }
        }
        let labelled = |value: fn(&Stats) -> Option<f64>| -> Vec<_> {
            worst.iter().filter_map(|(key, stats)| Some((labels(key), value(stats)?))).collect()
        };
        let rtt = labelled(|stats| stats.rtt.map(|rtt| rtt.as_secs_f64()));
        gauges(to, "tunnel_rtt_seconds", "Round trip, the longest of a server's tunnels", &rtt)?;
        let mtu = labelled(|stats| stats.mtu.map(f64::from));
        gauges(to, "tunnel_mtu_bytes", "UDP payload, the smallest of a server's tunnels", &mtu)?;
        let count = |value: fn(&Stats) -> u64| -> Vec<_> {
            worst.iter().map(|(key, stats)| (labels(key), value(stats))).collect()
        };
        counters(
            to,
            "tunnel_lost_packets",
            "Packets lost by open tunnels",
            &count(|stats| stats.lost_packets),
        )?;
        counters(to, "tunnel_sent_bytes", "Bytes sent by open tunnels", &count(|stats| stats.sent_bytes))?;
        counters(
            to,
            "tunnel_received_bytes",
            "Bytes received by open tunnels",
            &count(|stats| stats.received_bytes),
        )
    }
}

fn labels((server, carrier): &Key) -> [(&'static str, String); 2] {
    [("server", server.clone()), ("carrier", (*carrier).to_owned())]
}

fn add(sum: &mut Stats, one: &Stats) {
    sum.rtt = sum.rtt.max(one.rtt);
    sum.mtu = sum.mtu.into_iter().chain(one.mtu).min();
    sum.lost_packets += one.lost_packets;
    sum.sent_bytes += one.sent_bytes;
    sum.received_bytes += one.received_bytes;
}

fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Quic => "quic",
        Transport::Tls => "tls",
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tunnels and streams are far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

fn gauges<const N: usize>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[([(&'static str, String); N], f64)],
) -> fmt::Result {
    let mut family = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(*value).encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

fn counters<const N: usize>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[([(&'static str, String); N], u64)],
) -> fmt::Result {
    let mut family = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        ConstCounter::new(*value).encode(family.encode_family(labels)?)?;
    }
    Ok(())
}
