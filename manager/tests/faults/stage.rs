//! A cluster: a broker, managers, and members that write, watch, and say that they are there and how they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::broker::Broker;
use cluster::membership::{Announcer, Follower, Standing};
use cluster::store::{Change, Expect, Store, Write};
use cluster::{ControlPlane, Role};
use manager::{Keep, Manager};
use serde_json::json;

use super::history::{History, key, name};
use super::servers::PATIENCE;
use super::updates::Updates;

/// Members that write.
const WRITERS: usize = 3;

/// What everybody must be back within, when what they need is back; then more for a machine that is busy with tests.
pub(crate) const CONSISTENT_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Stage {
    _managers: Vec<Manager>,
    members: Vec<ControlPlane>,
    _announcers: Vec<Announcer>,
    follower: Follower,
    updates: Updates,
    pub(crate) history: History,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// `managers` and `members` may reach the broker in different ways.
    pub(crate) async fn set(keep: &[Keep], managers: &Broker, members: &Broker) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Vec::new();
        for (index, keep) in keep.iter().enumerate() {
            let plane = plane(&format!("manager{index}"), Role::Manager, managers).await;
            running.push(Manager::start(keep, &folder.path().join("store"), &plane).await.unwrap());
        }
        let mut planes = Vec::new();
        for index in 0..WRITERS {
            planes.push(plane(&format!("node{index}"), Role::Member, members).await);
        }
        let announce = |plane: &ControlPlane| {
            Announcer::start(Arc::clone(&plane.transporter), plane.subjects.clone(), plane.me.clone())
        };
        let watcher = plane("watcher", Role::Member, members).await;
        let follower = Follower::start(Arc::clone(&watcher.transporter), watcher.subjects.clone());
        let stores: Vec<Arc<dyn Store>> = planes.iter().map(|plane| Arc::clone(&plane.store)).collect();
        let history = History::start(&stores);
        history.goes_on(30).await;
        let announcers = planes.iter().map(announce).collect();
        let updates = Updates::start(&planes);
        planes.push(watcher);
        Self {
            _managers: running,
            members: planes,
            _announcers: announcers,
            follower,
            updates,
            history,
            _folder: folder,
        }
    }

    fn store(&self) -> &dyn Store {
        &*self.members[WRITERS].store
    }

    /// Everybody writes again, changes are told to who watched before, all members are seen, and what they say of
    /// themselves is shown.
    pub(crate) async fn is_consistent(&self) {
        let began = Instant::now();
        let mut changes = self.store().watch().await;
        self.history.goes_on(30).await;
        let news = key(&format!("news-{}", self.history.len()));
        let write = Write { key: news, expect: Expect::Anything, by: "test".into(), body: Some(json!(1)) };
        // A write that fails in the last moment of the fault may be repeated.
        let revision = loop {
            match self.store().write(write.clone()).await {
                Ok(revision) => break revision,
                Err(error) => assert!(began.elapsed() < 2 * PATIENCE, "{error}"),
            }
        };
        let told = async {
            loop {
                match changes.next().await {
                    Change::Written(document) if document.revision == revision => return,
                    Change::Gap if self.has(&write, revision).await => return,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the change is told");
        self.all_are_seen(began).await;
        self.updates.are_shown(&self.members[WRITERS], began).await;
        println!("consistent after {:?}", began.elapsed());
    }

    async fn has(&self, write: &Write, revision: cluster::store::Revision) -> bool {
        let read = self.store().get(&write.key).await.ok().flatten();
        read.is_some_and(|document| document.revision >= revision)
    }

    async fn all_are_seen(&self, began: Instant) {
        let members = self.follower.members();
        loop {
            let seen =
                |index: usize| members.borrow().standing(&name(&format!("node{index}")), Instant::now());
            let standings: Vec<_> = (0..WRITERS).map(seen).collect();
            if standings.iter().all(|standing| *standing == Some(Standing::Alive)) {
                return;
            }
            assert!(began.elapsed() < 2 * PATIENCE, "{standings:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether any member has a link to the broker.
    pub(crate) fn links_up(&self) -> usize {
        self.members.iter().filter(|plane| plane.transporter.link().borrow().is_up()).count()
    }

    /// Until all members have seen that the broker is gone.
    pub(crate) async fn all_see_it_down(&self) {
        let began = Instant::now();
        while self.links_up() > 0 {
            assert!(began.elapsed() < PATIENCE, "the loss is not seen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn check(self) {
        let store = Arc::clone(&self.members[WRITERS].store);
        self.history.check(&*store).await;
    }
}

pub(crate) async fn plane(me: &str, role: Role, broker: &Broker) -> ControlPlane {
    ControlPlane::connect(name(me), role, broker).await.unwrap()
}
