//! The hosts of a plan and what runs on them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use node::Node;
use tokio::task::JoinSet;
use tunnel::ServerId;

use super::HostFolder;
use super::error::RunError;
use super::gateway::Gateway;
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
        match self.topology.host(&self.plan, host).role {
            Role::Gateway if !self.gateways.contains_key(&host) => {
                let folder = self.folder(host);
                let started = Gateway::start(
                    &self.seen(host),
                    self.topology.host_name(host),
                    &folder,
                    &self.services,
                    &self.watch,
                )?;
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

    /// Its process is gone without a word.
    pub(crate) fn kill(&mut self, host: HostId) {
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
            self.drains.spawn(gateway.drain(DRAIN));
            self.watch.event(What::Note, self.topology.host_name(host), "drains");
        }
    }

    pub(crate) fn kill_all(&mut self) {
        for host in self.topology.hosts().collect::<Vec<_>>() {
            self.kill(host);
        }
        self.drains.abort_all();
    }
}
