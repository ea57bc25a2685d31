//! The newest start of a node is the one that gateways know.

use super::hosts::Hosts;

impl Hosts {
    /// The newest start of a node is the one that gateways know.
    pub(crate) fn judge_registrations(&self) {
        for (gateway, running) in &self.gateways {
            let snapshot = running.nodes.snapshot();
            for (host, node) in &self.nodes {
                let status = node.status();
                let Some(server) = snapshot.server(&status.server_id) else { continue };
                if !server.tunnels.is_empty() && server.generation > status.generation {
                    let (gateway, node) = (self.topology.host_name(*gateway), self.topology.host_name(*host));
                    let detail = format!("{gateway} has start {} of {node}", server.generation);
                    self.watch.violated("the newest registration wins", &detail);
                }
            }
        }
    }
}
