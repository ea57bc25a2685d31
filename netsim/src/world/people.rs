//! A client's host: one person for each stream of each work that begins there.

use tokio::task::JoinSet;

use super::client::Person;
use super::error::RunError;
use super::hosts::Hosts;
use crate::plan::{HostId, Work};

impl Hosts {
    pub(super) fn start_people(&mut self, host: HostId) -> Result<(), RunError> {
        let mut people = JoinSet::new();
        for (index, work) in self.plan.work.iter().enumerate() {
            let Some((place, _)) = self.topology.place_among(&work.from, host) else { continue };
            let node = self.topology.in_turn(&work.to, place).expect("a plan is checked: a work has nodes");
            let port = self.service_port(node)?;
            for _ in 0..work.streams {
                people.spawn(self.person(host, index, work, port).run());
            }
        }
        self.people.insert(host, people);
        Ok(())
    }

    fn person(&self, host: HostId, index: usize, work: &Work, port: u16) -> Person {
        let state = self.wire.state();
        let gateways = self.gateways_of(host);
        let doors = gateways.iter().map(|gateway| (state.addresses.of(*gateway), port).into()).collect();
        Person {
            wire: self.wire.clone(),
            watch: self.watch.clone(),
            host,
            name: self.topology.host_name(host).to_owned(),
            index,
            work: work.clone(),
            doors,
            starts: work.start + spread(work.starts_over),
            until: work.stop.unwrap_or(self.plan.length).min(self.plan.length),
        }
    }
}

/// Some time within, by chance; what is not spread draws nothing.
pub(super) fn spread(over: std::time::Duration) -> std::time::Duration {
    if over.is_zero() { over } else { over.mul_f64(tunnel::chance::random()) }
}
