//! The hosts of a plan and what runs on them.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use node::Node;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use tunnel::ServerId;

use super::HostFolder;
use super::cluster::Cluster;
use super::error::RunError;
use super::gateway::Gateway;
use super::machine::Places;
use super::network::Seen;
use super::node as machine;
use super::orphans::Deaths;
use super::registrations::Newest;
use super::watch::Watch;
use super::wire::Wire;
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
    pub(super) places: Places,
    pub(super) folders: tempfile::TempDir,
    pub(super) every_gateway: Vec<HostId>,
    /// Of nodes and relays.
    pub(super) servers: BTreeMap<HostId, ServerId>,
    /// For each node that people ask for: its port at every gateway.
    pub(super) services: Vec<(u16, ServerId)>,
    pub(crate) gateways: BTreeMap<HostId, Gateway>,
    pub(crate) nodes: BTreeMap<HostId, Node>,
    pub(super) people: BTreeMap<HostId, JoinSet<()>>,
    /// How often each node was started.
    pub(super) starts: BTreeMap<HostId, u64>,
    pub(super) drains: JoinSet<()>,
    pub(super) newest: Newest,
    pub(super) deaths: Deaths,
    pub(super) cluster: Option<Cluster>,
}

impl Hosts {
    pub(super) fn of(&self, role: Role) -> Vec<HostId> {
        self.topology.hosts().filter(|host| self.topology.host(&self.plan, *host).role == role).collect()
    }

    /// The gateways that a host dials or comes in at.
    pub(super) fn gateways_of(&self, host: HostId) -> Vec<HostId> {
        match &self.topology.host(&self.plan, host).gateways {
            None => self.every_gateway.clone(),
            Some(names) => names.iter().flat_map(|name| self.topology.hosts_named(name)).collect(),
        }
    }

    pub(super) fn folder(&self, host: HostId) -> PathBuf {
        self.folders.path().join(HostFolder(host).to_string())
    }

    fn seen(&self, host: HostId) -> Seen {
        Seen { wire: self.wire.clone(), host }
    }

    /// Starts what the plan says runs there; nothing if it runs.
    pub(crate) async fn start(&mut self, host: HostId) -> Result<(), RunError> {
        if self.runs(host) {
            return Ok(());
        }
        self.resume(host);
        let (places, wire, folder) = (self.places.clone(), self.wire.clone(), self.folder(host));
        match self.topology.host(&self.plan, host).role {
            Role::Gateway => {
                let _there = places.at(host, &wire);
                let (seen, name) = (self.seen(host), self.topology.host_name(host));
                let started = Gateway::start(&seen, name, &folder, &self.services, &self.watch)?;
                self.gateways.insert(host, started);
            }
            Role::Node | Role::Relay => {
                let start = *self.starts.entry(host).and_modify(|starts| *starts += 1).or_insert(1);
                let starting = machine::start(self.seen(host), folder, start, self.watch.clone());
                let started = AbortOnDropHandle::new(places.handle(host).spawn(starting)).await;
                let started = started.unwrap_or_else(|panicked| resume_unwind(panicked.into_panic()))?;
                self.nodes.insert(host, started);
                self.join_cluster(host);
            }
            Role::Client => {
                let _there = places.at(host, &wire);
                self.start_people(host)?;
            }
        }
        Ok(())
    }

    fn runs(&self, host: HostId) -> bool {
        let (gateways, nodes, people) = (&self.gateways, &self.nodes, &self.people);
        gateways.contains_key(&host) || nodes.contains_key(&host) || people.contains_key(&host)
    }

    /// Its process is gone without a word; a paused one, too.
    pub(crate) fn kill(&mut self, host: HostId) {
        let (places, wire) = (self.places.clone(), self.wire.clone());
        self.resume(host);
        self.leave_cluster(host);
        let _there = places.at(host, &wire);
        self.wire.state().ports.forget(host);
        self.gateways.remove(&host);
        self.watch.drains(host, false);
        self.newest.forget(host);
        self.nodes.remove(&host);
        self.people.remove(&host);
        // What they left is bound no more, even if a task still holds it.
        self.wire.state().ports.forget(host);
    }

    pub(crate) fn drain(&mut self, host: HostId) {
        if let Some(gateway) = self.gateways.get(&host) {
            self.watch.drains(host, true);
            let there = self.places.at(host, &self.wire);
            let draining = gateway.drain(DRAIN);
            drop(there);
            self.drains.spawn_on(draining, &self.places.handle(host));
            self.watch.event(What::Note, self.topology.host_name(host), "drains");
        }
    }

    /// It does nothing, and no time passes there, until it goes on.
    pub(crate) fn pause(&self, host: HostId) {
        self.wire.state().pause(host);
        self.places.pause(host, true);
    }

    pub(crate) fn resume(&self, host: HostId) {
        self.wire.with(|state, now| state.resume(now, host));
        self.places.pause(host, false);
    }

    pub(crate) fn kill_all(&mut self) {
        for host in self.topology.hosts().collect::<Vec<_>>() {
            self.kill(host);
        }
        self.drains.abort_all();
        self.cluster = None;
    }
}
