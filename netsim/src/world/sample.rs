//! What is looked at again and again while a plan runs.

use std::collections::BTreeMap;

use node::status::GatewayStatus;

use super::hosts::Hosts;
use super::orphans::{Deaths, OUTLIVES};
use crate::outcome::{Quantity, What};
use crate::plan::HostId;

/// Hosts whose tunnels are drawn: a plot shows the middle and the range of many, and these are enough for that.
const DRAWN: usize = 200;

/// How many tunnels each node had when it was looked at last.
pub(crate) type Seen = BTreeMap<HostId, usize>;

impl Hosts {
    /// What must hold at every moment.
    pub(crate) fn judge(&mut self) {
        let mut newest = std::mem::take(&mut self.newest);
        let mut deaths = std::mem::replace(&mut self.deaths, Deaths::new());
        let mut outcome = self.watch.outcome();
        newest.judge(self, &mut outcome);
        deaths.gateways(self, &mut outcome);
        drop(outcome);
        (self.newest, self.deaths) = (newest, deaths);
    }

    pub(crate) fn sample(&mut self, seen: &mut Seen) {
        let now = self.watch.now();
        let mut outcome = self.watch.outcome();
        let (mut connected, mut whole, mut streams) = (0, 0, 0);
        for (host, node) in &self.nodes {
            let name = self.topology.host_name(*host);
            let status = node.status();
            let tunnels: usize = status.gateways.iter().map(|gateway| gateway.tunnels.len()).sum();
            connected += usize::from(tunnels > 0);
            let takes_streams = |gateway: &GatewayStatus| gateway.transport.is_some();
            whole += usize::from(tunnels > 0 && status.gateways.iter().all(takes_streams));
            streams += status.streams;
            for gateway in status.gateways.iter().filter(|_| host.0 < DRAWN) {
                let windows = gateway.tunnels.iter().filter_map(|tunnel| tunnel.window_bytes);
                if let Some(window) = windows.max() {
                    let of = format!("{name} to {}", gateway.host);
                    outcome.sample(Quantity::Window, &of, now, window as f64);
                }
                if let Some(rtt) = gateway.rtt_ms {
                    let of = format!("{name} to {}", gateway.host);
                    outcome.sample(Quantity::Rtt, &of, now, rtt / 1000.0);
                }
            }
            if status.lan.listen.is_none()
                && !self.places.is_paused(*host)
                && let Some(detail) = self.deaths.node(*host, now, tunnels, status.streams)
            {
                outcome.violated(now, OUTLIVES, &format!("{name}: {detail}"));
            }
            let before = seen.insert(*host, tunnels).unwrap_or_default();
            if before != tunnels {
                outcome.tunnels(now, name, tunnels);
                let what = if tunnels > before { What::TunnelUp } else { What::TunnelDown };
                outcome.event(now, what, name, format!("{tunnels} tunnels"));
            }
        }
        for (host, before) in
            seen.iter_mut().filter(|(host, before)| **before > 0 && !self.nodes.contains_key(host))
        {
            *before = 0;
            outcome.tunnels(now, self.topology.host_name(*host), 0);
        }
        outcome.sample(Quantity::Connected, "nodes", now, connected as f64);
        outcome.sample(Quantity::Whole, "nodes", now, whole as f64);
        outcome.sample(Quantity::Streams, "streams", now, streams as f64);
        for (index, work) in self.plan.work.iter().enumerate().filter(|(_, work)| work.kind.lasts()) {
            outcome.sample(Quantity::Working, &work.name, now, self.watch.working(index) as f64);
        }
        self.sample_queues(&mut outcome);
    }

    fn sample_queues(&self, outcome: &mut crate::outcome::Outcome) {
        let now = self.watch.now();
        let mut state = self.wire.state();
        for (index, line) in state.lines.iter_mut().enumerate().take(16) {
            let name = self.topology.link_name(crate::plan::LinkId(index));
            for (link, way) in [(&mut line.up, "up"), (&mut line.down, "down")] {
                if link.model().rate.is_some() {
                    let bytes = link.backlog(now).bytes;
                    outcome.sample(Quantity::Queue, &format!("{name} {way}"), now, bytes as f64);
                }
            }
        }
    }
}
