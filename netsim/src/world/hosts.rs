//! The hosts of a plan and what runs on them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use node::Node;
use tokio::task::JoinSet;
use tunnel::{Fingerprint, ServerId};

use super::client::Person;
use super::error::RunError;
use super::gateway::{self, Gateway};
use super::network::Seen;
use super::node::{self as machine, Known, Neighbour};
use super::watch::Watch;
use super::wire::Wire;
use super::{HostFolder, identity};
use crate::outcome::What;
use crate::plan::{HostId, Plan, Role, Topology};

/// How long a drained gateway lets streams finish, as `drain` in gateway-server.json.
const DRAIN: Duration = Duration::from_secs(30);

/// What runs.
pub(crate) struct Hosts {
    pub(crate) plan: Plan,
    pub(crate) topology: Topology,
    pub(crate) wire: Arc<Wire>,
    pub(crate) watch: Arc<Watch>,
    folders: tempfile::TempDir,
    /// For each node that people ask for: its port at every gateway.
    services: Vec<(u16, ServerId)>,
    pub(crate) gateways: BTreeMap<HostId, Gateway>,
    pub(crate) nodes: BTreeMap<HostId, Node>,
    people: BTreeMap<HostId, JoinSet<()>>,
    /// How often each node was started.
    starts: BTreeMap<HostId, u64>,
    drains: JoinSet<()>,
}

impl Hosts {
    /// Writes what every host needs, and starts none.
    pub(crate) fn prepare(
        plan: &Plan,
        topology: &Topology,
        wire: &Arc<Wire>,
        watch: &Arc<Watch>,
    ) -> Result<Self, RunError> {
        let mut hosts = Self {
            plan: plan.clone(),
            topology: topology.clone(),
            wire: wire.clone(),
            watch: watch.clone(),
            folders: tempfile::tempdir()?,
            services: Vec::new(),
            gateways: BTreeMap::new(),
            nodes: BTreeMap::new(),
            people: BTreeMap::new(),
            starts: BTreeMap::new(),
            drains: JoinSet::new(),
        };
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for host in hosts.of(Role::Gateway) {
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
            bindings.insert(ServerId::new(name)?, key);
        }
        hosts.introduce_neighbours(&bindings)?;
        for host in hosts.of(Role::Gateway) {
            gateway::remember(&hosts.folder(host), &bindings)?;
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

    fn of(&self, role: Role) -> Vec<HostId> {
        self.topology.hosts().filter(|host| self.topology.host(&self.plan, *host).role == role).collect()
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

    fn service_port(&self, node: HostId) -> Result<u16, RunError> {
        let port = usize::from(gateway::SERVICES) + node.0;
        u16::try_from(port).map_err(|_| RunError::TooManyHosts)
    }

    /// The gateways that a host dials or comes in at.
    fn gateways_of(&self, host: HostId) -> Vec<HostId> {
        match &self.topology.host(&self.plan, host).gateways {
            None => self.of(Role::Gateway),
            Some(names) => names.iter().flat_map(|name| self.topology.hosts_named(name)).collect(),
        }
    }

    fn folder(&self, host: HostId) -> PathBuf {
        self.folders.path().join(HostFolder(host).to_string())
    }

    fn seen(&self, host: HostId) -> Seen {
        Seen { wire: self.wire.clone(), host }
    }

    pub(crate) async fn start_all(&mut self) -> Result<(), RunError> {
        for host in self.topology.hosts().collect::<Vec<_>>() {
            self.start(host).await?;
        }
        Ok(())
    }

    /// Starts what the plan says runs there; nothing if it runs.
    pub(crate) async fn start(&mut self, host: HostId) -> Result<(), RunError> {
        match self.topology.host(&self.plan, host).role {
            Role::Gateway if !self.gateways.contains_key(&host) => {
                let folder = self.folder(host);
                let started = Gateway::start(&self.seen(host), &folder, &self.services, &self.watch)?;
                self.gateways.insert(host, started);
            }
            Role::Node | Role::Relay if !self.nodes.contains_key(&host) => {
                let start = *self.starts.entry(host).and_modify(|starts| *starts += 1).or_insert(1);
                let started =
                    machine::start(&self.seen(host), &self.folder(host), start, &self.watch).await?;
                self.nodes.insert(host, started);
            }
            Role::Client if !self.people.contains_key(&host) => self.start_people(host)?,
            _ => {}
        }
        Ok(())
    }

    fn start_people(&mut self, host: HostId) -> Result<(), RunError> {
        let mut people = JoinSet::new();
        for (index, work) in self.plan.work.iter().enumerate() {
            let clients = self.topology.hosts_named(&work.from);
            let Some(place) = clients.iter().position(|client| *client == host) else { continue };
            let nodes = self.topology.hosts_named(&work.to);
            let port = self.service_port(nodes[place % nodes.len()])?;
            let state = self.wire.state();
            let doors: Vec<_> = self
                .gateways_of(host)
                .into_iter()
                .map(|gateway| std::net::SocketAddr::new(state.addresses.of(gateway), port))
                .collect();
            drop(state);
            for _ in 0..work.streams {
                let person = Person {
                    wire: self.wire.clone(),
                    watch: self.watch.clone(),
                    host,
                    name: self.topology.host_name(host).to_owned(),
                    index,
                    work: work.clone(),
                    doors: doors.clone(),
                    until: work.stop.unwrap_or(self.plan.length).min(self.plan.length),
                };
                people.spawn(person.run());
            }
        }
        self.people.insert(host, people);
        Ok(())
    }

    /// Its process is gone without a word.
    pub(crate) fn kill(&mut self, host: HostId) {
        self.wire.state().ports.forget(host);
        self.gateways.remove(&host);
        self.nodes.remove(&host);
        self.people.remove(&host);
        // What they left is bound no more, even if a task still holds it.
        self.wire.state().ports.forget(host);
    }

    pub(crate) fn drain(&mut self, host: HostId) {
        if let Some(gateway) = self.gateways.get(&host) {
            self.drains.spawn(gateway.drain(DRAIN));
            self.watch.event(What::Note, self.topology.host_name(host), "drains");
        }
    }

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

    pub(crate) fn kill_all(&mut self) {
        for host in self.topology.hosts().collect::<Vec<_>>() {
            self.kill(host);
        }
        self.drains.abort_all();
    }
}
