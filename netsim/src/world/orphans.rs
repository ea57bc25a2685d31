//! No stream outlives its tunnel's death by more than its ends wait for another one.

use std::collections::BTreeMap;
use std::time::Duration;

use tunnel::ServerId;
use tunnel::limits::{RESUME_AWAITED, RESUME_WITHIN};

use super::hosts::Hosts;
use crate::outcome::Outcome;
use crate::plan::HostId;

/// To see the end of a wait, and to end after it.
const MARGIN: Duration = Duration::from_secs(5);

/// Since when each of them has streams and no tunnel; pure.
#[derive(Debug)]
struct Orphans<K> {
    since: BTreeMap<K, Duration>,
    /// How long that may be.
    bound: Duration,
}

impl<K: Ord + Clone> Orphans<K> {
    fn new(bound: Duration) -> Self {
        Self { since: BTreeMap::new(), bound }
    }

    /// What was seen now; tells for how long, if that is too long.
    fn see(&mut self, of: &K, now: Duration, tunnels: usize, streams: usize) -> Option<Duration> {
        if tunnels > 0 || streams == 0 {
            self.since.remove(of);
            return None;
        }
        let since = *self.since.entry(of.clone()).or_insert(now);
        let alone = now.saturating_sub(since);
        (alone > self.bound).then_some(alone)
    }
}

/// Looks at both ends of all tunnels.
#[derive(Debug)]
pub(super) struct Deaths {
    nodes: Orphans<HostId>,
    gateways: Orphans<(HostId, ServerId)>,
}

impl Deaths {
    pub(super) fn new() -> Self {
        let nodes = Orphans::new(RESUME_AWAITED + MARGIN);
        Self { nodes, gateways: Orphans::new(RESUME_WITHIN + MARGIN) }
    }

    /// A node that others reach over the LAN has streams without a tunnel of its own, and is not looked at.
    pub(super) fn node(
        &mut self,
        host: HostId,
        now: Duration,
        tunnels: usize,
        streams: usize,
    ) -> Option<String> {
        let alone = self.nodes.see(&host, now, tunnels, streams)?;
        Some(format!("the node has {streams} streams and no tunnel since {alone:?}"))
    }

    pub(super) fn gateways(&mut self, hosts: &Hosts, outcome: &mut Outcome) {
        let now = hosts.watch.now();
        for (host, gateway) in &hosts.gateways {
            let snapshot = gateway.nodes.snapshot();
            for (server, streams) in gateway.open_streams() {
                let tunnels = snapshot.server(&server).map_or(0, |server| server.tunnels.len());
                let ways = tunnels + snapshot.relays(&server).len();
                let key = (*host, server);
                if let Some(alone) = self.gateways.see(&key, now, ways, streams) {
                    let detail = format!("{streams} streams to {} without a tunnel since {alone:?}", key.1);
                    outcome.violated(now, OUTLIVES, &detail);
                }
            }
        }
    }
}

pub(super) const OUTLIVES: &str = "no stream outlives its tunnel for long";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_stays_without_a_tunnel_is_found() {
        let (mut orphans, s) = (Orphans::new(Duration::from_secs(10)), Duration::from_secs);
        let seen = [
            (0, 1, 3, None),
            (5, 0, 3, None),
            (15, 0, 3, None),
            (16, 0, 3, Some(11)),
            (17, 1, 3, None),
            (20, 0, 1, None),
            (29, 0, 0, None),
            (30, 0, 1, None),
            (40, 0, 1, None),
        ];
        for (second, tunnels, streams, alone) in seen {
            assert_eq!(orphans.see(&1, s(second), tunnels, streams), alone.map(s), "at {second} s");
        }
    }
}
