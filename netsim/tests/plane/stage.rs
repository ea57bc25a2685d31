//! A cluster of members and two managers, what is done to it, and what its managers say.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster::membership::Standing;
use cluster::server::Listed;
use cluster::settings::{Edit, EditError, Scope, What};
use cluster::{ControlPlane, Name, Role};
use jiff::{SignedDuration, Timestamp};
use netsim::control::{Bus, Keeper, Member, Memory};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub(crate) const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Managers look every second for what is to be kept.
const KEPT: Duration = Duration::from_secs(3);
/// Managers at once.
pub(crate) const MANAGERS: usize = 2;

#[derive(Debug)]
pub(crate) struct Stage {
    bus: Bus,
    pub(crate) store: Arc<Memory>,
    pub(crate) members: Vec<Option<Member>>,
    pub(crate) managers: Vec<Option<Keeper>>,
    /// Somebody whose way to the broker is never cut.
    observer: ControlPlane,
    pub(crate) dice: Pcg64Mcg,
    folder: tempfile::TempDir,
}

/// In simulated time; nothing waits for a real clock.
pub(crate) fn simulate(what: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(what);
}

fn name(member: usize) -> String {
    format!("node-{member}")
}

impl Stage {
    /// Everybody has joined within five seconds, each over a way of its own length, and is then kept in the store.
    pub(crate) async fn set(members: usize, seed: u64) -> Self {
        let bus = Bus::default();
        let observer: Arc<dyn cluster::transporter::Transporter> = bus.join(Duration::from_millis(2));
        let [me, namespace] = ["observer", "simulated"].map(|name| Name::new(name).unwrap());
        let observer = ControlPlane::over(me, Role::Member, namespace, observer);
        let mut stage = Self {
            bus,
            store: Arc::default(),
            members: (0..members).map(|_| None).collect(),
            managers: (0..MANAGERS).map(|_| None).collect(),
            observer,
            dice: Pcg64Mcg::seed_from_u64(seed),
            folder: tempfile::tempdir().unwrap(),
        };
        for manager in 0..MANAGERS {
            stage.start_manager(manager).await;
        }
        let pause = Duration::from_secs(5) / u32::try_from(members).unwrap();
        for member in 0..members {
            stage.start(member, SignedDuration::ZERO);
            tokio::time::sleep(pause).await;
        }
        tokio::time::sleep(KEPT).await;
        stage
    }

    fn delay(&mut self) -> Duration {
        Duration::from_millis(self.dice.random_range(1..150))
    }

    /// `skew`: by how much the machine's clock is ahead.
    pub(crate) fn start(&mut self, member: usize, skew: SignedDuration) {
        let delay = self.delay();
        let folder: &Path = self.folder.path();
        let port = self.bus.join(delay);
        let started = Member::start(port, &name(member), folder, Timestamp::now() + skew);
        self.members[member] = Some(started);
    }

    pub(crate) fn kill(&mut self, member: usize) {
        self.members[member] = None;
    }

    pub(crate) async fn leave(&mut self, member: usize) {
        self.members[member].take().expect("it runs").leave().await;
    }

    pub(crate) async fn start_manager(&mut self, manager: usize) {
        let delay = self.delay();
        let port = self.bus.join(delay);
        self.managers[manager] = Some(Keeper::start(port, &format!("manager-{manager}"), &self.store).await);
    }

    pub(crate) fn kill_manager(&mut self, manager: usize) {
        self.managers[manager] = None;
    }

    pub(crate) fn cut(&self, members: Range<usize>) {
        self.members[members].iter().flatten().for_each(|member| member.port.cut());
    }

    pub(crate) fn mend(&self, members: Range<usize>) {
        self.members[members].iter().flatten().for_each(|member| member.port.mend());
    }

    /// Sessions start or end there.
    pub(crate) fn work(&self, member: usize, sessions: u32) {
        let member = self.members[member].as_ref().expect("it runs");
        member.sessions.store(sessions, Ordering::Relaxed);
    }

    /// An administrator changes `drainTime` at this member.
    pub(crate) async fn edit(&self, member: usize, seconds: u64) -> Result<(), EditError> {
        let wanted = [("drainTime".to_owned(), Some(format!("{seconds}s")))].into();
        let edit =
            Edit { scope: Scope::Global, by: "somebody".into(), what: What::Set(wanted), expect: None };
        let member = self.members[member].as_ref().expect("it runs");
        member.settings.edit(&edit).await.map(drop)
    }

    /// What each member goes by, in seconds.
    pub(crate) fn drain_times(&self) -> Vec<u64> {
        let of = |member: &Member| member.settings.now().values.drain_time.as_secs();
        self.members.iter().flatten().map(of).collect()
    }

    /// What the managers say in turn, each twice.
    pub(crate) async fn told(&self) -> Vec<Vec<Listed>> {
        let mut told = Vec::new();
        for _ in 0..2 * MANAGERS {
            told.push(self.observer.fleet.list().await.expect("a manager answers"));
        }
        told
    }

    pub(crate) async fn all_are(&self, members: Range<usize>, wanted: Standing) {
        for list in self.told().await {
            for member in members.clone().map(name) {
                let listed = list.iter().find(|listed| listed.server.server_id.as_str() == member);
                assert_eq!(listed.map(|listed| listed.standing), Some(wanted), "{member}");
            }
        }
    }

    /// How many sessions the managers say that it has.
    pub(crate) async fn sessions(&self, member: usize) -> Vec<u32> {
        let of = |list: Vec<Listed>| {
            let listed = list.into_iter().find(|listed| listed.server.server_id.as_str() == name(member));
            listed.expect("it is listed").server.sessions
        };
        self.told().await.into_iter().map(of).collect()
    }
}
