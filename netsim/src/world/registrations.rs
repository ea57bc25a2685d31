//! The newest start of a node is the one that gateways know.

use std::collections::BTreeMap;

use super::hosts::Hosts;
use crate::outcome::Outcome;
use crate::plan::HostId;

/// What gateways have said of nodes: gateway and node, and the newest start that it knew.
#[derive(Debug, Default)]
pub(super) struct Newest(BTreeMap<(HostId, HostId), u64>);

impl Newest {
    /// A gateway has tunnels of this start of a node now, whose newest is `running`; tells what is wrong with that.
    fn see(&mut self, gateway: HostId, node: HostId, start: u64, running: u64) -> Option<String> {
        let before = self.0.insert((gateway, node), start).unwrap_or_default();
        if start > running {
            return Some(format!("start {start}, but {running} is the newest"));
        }
        (start < before).then(|| format!("start {start} after {before}"))
    }

    /// Its process is another: it knows nothing.
    pub(super) fn forget(&mut self, gateway: HostId) {
        self.0.retain(|(of, _), _| *of != gateway);
    }

    pub(super) fn judge(&mut self, hosts: &Hosts, outcome: &mut Outcome) {
        let now = hosts.watch.now();
        for (gateway, running) in &hosts.gateways {
            let snapshot = running.nodes.snapshot();
            for (node, starts) in &hosts.starts {
                let name = hosts.topology.host_name(*node);
                let Some(server) = hosts.servers.get(node).and_then(|id| snapshot.server(id)) else {
                    continue;
                };
                if server.tunnels.is_empty() {
                    continue;
                }
                if let Some(wrong) = self.see(*gateway, *node, server.generation, *starts) {
                    let detail = format!("{} has {name}: {wrong}", hosts.topology.host_name(*gateway));
                    outcome.violated(now, "the newest registration wins", &detail);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_start_after_a_newer_one_is_found() {
        let (mut newest, gateway, node) = (Newest::default(), HostId(0), HostId(1));
        assert_eq!(newest.see(gateway, node, 1, 1), None);
        assert_eq!(newest.see(gateway, node, 1, 2), None, "the old process may still be there");
        assert_eq!(newest.see(gateway, node, 2, 2), None);
        assert_eq!(newest.see(gateway, node, 1, 2).unwrap(), "start 1 after 2");
        assert_eq!(newest.see(gateway, node, 3, 2).unwrap(), "start 3, but 2 is the newest");
        newest.forget(gateway);
        assert_eq!(newest.see(gateway, node, 1, 2), None, "a gateway that was restarted hears from anyone");
    }
}
