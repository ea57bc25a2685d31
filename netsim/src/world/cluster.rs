//! The control plane of a plan: every node is a member, too, over a broker and a store in memory.
//!
//! The broker is not on one of the plan's paths, but who has no way out has none to it either.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cluster::Role;
use cluster::membership::Standing;
use cluster::server::Listed;
use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use super::hosts::Hosts;
use super::wire::Wire;
use crate::control::{Bus, Keeper, Ledger, Member, Memory, Port, plane};
use crate::outcome;
use crate::plan::{Control, HostId, Part};

/// How often the observer asks a manager.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Members, managers, and somebody who looks at them; dropped, all are gone.
#[derive(Debug)]
pub(crate) struct Cluster {
    plan: Control,
    bus: Bus,
    store: Arc<Memory>,
    managers: Vec<Keeper>,
    members: BTreeMap<HostId, (Member, bool)>,
    broker_is_there: bool,
    ledger: Arc<Mutex<Ledger>>,
    observer: Arc<Port>,
    _observing: AbortOnDropHandle<()>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.observer.close();
    }
}

impl Cluster {
    pub(super) async fn start(plan: &Control, wire: &Arc<Wire>) -> Self {
        let (bus, ledger) = (Bus::default(), Arc::<Mutex<Ledger>>::default());
        let observer = bus.join(plan.delay);
        let observing = observe(Arc::clone(&observer), bus.clone(), Arc::clone(&ledger), Arc::clone(wire));
        let mut cluster = Self {
            plan: plan.clone(),
            bus,
            store: Arc::default(),
            managers: Vec::new(),
            members: BTreeMap::new(),
            broker_is_there: true,
            ledger,
            observer,
            _observing: AbortOnDropHandle::new(tokio::spawn(observing)),
        };
        cluster.start_managers().await;
        cluster
    }

    async fn start_managers(&mut self) {
        for manager in self.managers.len()..self.plan.managers {
            let port = self.bus.join(self.plan.delay);
            self.managers.push(Keeper::start(port, &format!("manager-{}", manager + 1), &self.store).await);
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no panic while held")
    }

    pub(super) fn lose(&mut self, part: Part) {
        match part {
            Part::Broker => self.broker_is_there = false,
            Part::Store => self.store.fail(true),
            Part::Managers => self.managers.clear(),
        }
        self.reach_managers();
    }

    pub(super) async fn restore(&mut self, part: Part, now: Duration) {
        match part {
            Part::Broker => self.broker_is_there = true,
            Part::Store => self.store.fail(false),
            Part::Managers => self.start_managers().await,
        }
        self.reach_managers();
        self.ledger().mended(now);
    }

    /// Managers and the observer lose their way with the broker only.
    fn reach_managers(&self) {
        let ports = self.managers.iter().map(|manager| &manager.port).chain([&self.observer]);
        ports.for_each(|port| port.reach(self.broker_is_there));
    }

    pub(super) fn outcome(&self) -> outcome::Control {
        self.ledger().outcome().clone()
    }
}

impl Hosts {
    /// A node's process is there: its member, too.
    pub(super) fn join_cluster(&mut self, host: HostId) {
        let folder: PathBuf = self.folder(host);
        let Some(cluster) = &mut self.cluster else { return };
        // Its way is the network's and not the host's, so it runs where the world does.
        let port = cluster.bus.join(cluster.plan.delay);
        let _there = self.places.at(host, &self.wire);
        let name = self.topology.host_name(host);
        let member = Member::start(port, name, &folder, Timestamp::now());
        cluster.members.insert(host, (member, true));
        cluster.ledger().came(name, self.wire.now());
    }

    pub(super) fn leave_cluster(&mut self, host: HostId) {
        let Some(cluster) = &mut self.cluster else { return };
        if cluster.members.remove(&host).is_some() {
            cluster.ledger().went(self.topology.host_name(host), self.wire.now());
        }
    }

    /// After each fault: who can reach the broker now, and who is there.
    pub(super) fn reach_cluster(&mut self) {
        let now = self.wire.now();
        let Some(cluster) = &mut self.cluster else { return };
        let mut ledger = cluster.ledger.lock().expect("no panic while held");
        for (host, (member, was_there)) in &mut cluster.members {
            let has_way = {
                let state = self.wire.state();
                self.topology.ladder(*host).iter().all(|link| state.lines[link.0].up.is_up())
            };
            member.port.reach(has_way && cluster.broker_is_there);
            // A broker's fault is nobody's absence.
            let is_there = has_way && !self.places.is_paused(*host);
            if is_there != std::mem::replace(was_there, is_there) {
                let name = self.topology.host_name(*host);
                if is_there { ledger.came(name, now) } else { ledger.went(name, now) }
            }
        }
    }
}

/// Asks a manager again and again; one that does not answer is asked again a second later.
async fn observe(port: Arc<Port>, bus: Bus, ledger: Arc<Mutex<Ledger>>, wire: Arc<Wire>) {
    let plane = plane("observer", Role::Member, &port);
    let beat = || {
        let mut beat = tokio::time::interval(LOOK_EVERY);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        beat
    };
    let look = async {
        let mut beat = beat();
        loop {
            beat.tick().await;
            let Ok(listed) = plane.fleet.list().await else { continue };
            let of = |listed: Listed| (listed.server.server_id.as_str().to_owned(), listed.standing);
            let standings: BTreeMap<String, Standing> = listed.into_iter().map(of).collect();
            ledger.lock().expect("no panic while held").seen(wire.now(), &standings);
        }
    };
    let count = async {
        let mut beat = beat();
        loop {
            beat.tick().await;
            ledger.lock().expect("no panic while held").updates(wire.now(), bus.updates());
        }
    };
    tokio::join!(look, count);
}
