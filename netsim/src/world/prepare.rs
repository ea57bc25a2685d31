//! What every host needs before it starts: files with its keys, its gateways, its neighbours.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use tunnel::{Fingerprint, ServerId};

use super::door::SERVICES;
use super::error::RunError;
use super::hosts::Hosts;
use super::machine::Places;
use super::node::{self as machine, Known, Neighbour};
use super::orphans::Deaths;
use super::registrations::Newest;
use super::watch::Watch;
use super::wire::Wire;
use super::{gateway, identity};
use crate::plan::{HostId, Plan, Role, Topology};

/// In memory where there is a place for that: each of thousands of hosts writes a few files and waits for the disk.
fn folders() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

impl Hosts {
    /// Writes what every host needs, and starts none.
    pub(crate) fn prepare(
        plan: &Plan,
        topology: &Topology,
        wire: &Arc<Wire>,
        watch: &Arc<Watch>,
        places: Places,
    ) -> Result<Self, RunError> {
        let mut hosts = Self {
            plan: plan.clone(),
            topology: topology.clone(),
            wire: wire.clone(),
            watch: watch.clone(),
            places,
            folders: folders()?,
            every_gateway: Vec::new(),
            servers: BTreeMap::new(),
            services: Vec::new(),
            gateways: BTreeMap::new(),
            nodes: BTreeMap::new(),
            people: BTreeMap::new(),
            starts: BTreeMap::new(),
            drains: JoinSet::new(),
            newest: Newest::default(),
            deaths: Deaths::new(),
            cluster: None,
        };
        hosts.every_gateway = hosts.of(Role::Gateway);
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for host in hosts.every_gateway.clone() {
            let folder = hosts.folder(host);
            std::fs::create_dir_all(&folder)?;
            let address = wire.state().addresses.of(host);
            let ca = identity::write_certificate(
                &address.to_string(),
                &folder.join("cert.pem"),
                &folder.join("key.pem"),
            )?;
            known.insert(topology.host_name(host).to_owned(), (address, ca));
        }
        let mut bindings = BTreeMap::new();
        for host in hosts.machines() {
            let said = topology.host(plan, host);
            let gateways = hosts.gateways_of(host);
            let gateways: Vec<Known> =
                gateways.iter().map(|gateway| known[topology.host_name(*gateway)].clone()).collect();
            let name = topology.host_name(host);
            let key = machine::prepare(&hosts.folder(host), name, &gateways, said.transport)?;
            let server = ServerId::new(name)?;
            hosts.servers.insert(host, server.clone());
            bindings.insert(server, key);
        }
        hosts.introduce_neighbours(&bindings)?;
        for host in &hosts.every_gateway {
            gateway::remember(&hosts.folder(*host), &bindings)?;
        }
        hosts.services = hosts
            .targets()
            .into_iter()
            .map(|host| Ok((hosts.service_port(host)?, ServerId::new(topology.host_name(host))?)))
            .collect::<Result<_, RunError>>()?;
        Ok(hosts)
    }

    /// Relays and the nodes that they reach know each other's keys and addresses, as in lan.json.
    fn introduce_neighbours(&self, keys: &BTreeMap<ServerId, Fingerprint>) -> Result<(), RunError> {
        let neighbour = |host: HostId| -> Result<Neighbour, RunError> {
            let id = ServerId::new(self.topology.host_name(host))?;
            let address = self.wire.state().addresses.of(host);
            Ok(Neighbour { key: keys[&id].clone(), id, address })
        };
        let mut known: BTreeMap<HostId, Vec<Neighbour>> = BTreeMap::new();
        for relay in self.of(Role::Relay) {
            let reached = &self.topology.host(&self.plan, relay).reaches;
            for node in reached.iter().flat_map(|name| self.topology.hosts_named(name)) {
                known.entry(relay).or_default().push(neighbour(node)?);
                known.entry(node).or_default().push(neighbour(relay)?);
            }
        }
        known.iter().try_for_each(|(host, neighbours)| {
            machine::introduce(&self.folder(*host), neighbour(*host)?.address, neighbours)
        })
    }

    fn machines(&self) -> Vec<HostId> {
        self.topology.hosts().filter(|host| self.topology.host(&self.plan, *host).role.dials()).collect()
    }

    /// Nodes that people ask for.
    fn targets(&self) -> Vec<HostId> {
        let mut targets: Vec<HostId> =
            self.plan.work.iter().flat_map(|work| self.topology.hosts_named(&work.to)).collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    pub(super) fn service_port(&self, node: HostId) -> Result<u16, RunError> {
        let port = usize::from(SERVICES) + node.0;
        u16::try_from(port).map_err(|_| RunError::TooManyHosts)
    }
}
