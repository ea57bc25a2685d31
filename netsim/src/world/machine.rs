//! Machines whose clock can stand still: the hosts that a plan pauses.
//!
//! Timers belong to a runtime. So each of these hosts has a runtime of its own, whose clock follows the plan's in steps. While
//! the host is paused none of its tasks runs and its clock stands; when it goes on, everything that came due meanwhile is due at
//! once, as for a process after SIGCONT and on a virtual machine that was suspended.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};
use tokio::time::Instant;

use super::clock::Idle;
use super::wire::{Standing, Wire};
use crate::plan::{Action, HostId, Plan, Topology};

/// The runtime's timers are no finer.
const STEP: Duration = Duration::from_millis(1);
/// When all hosts are gone, and only what they left behind ends.
const LAST_STEPS: Duration = Duration::from_millis(250);

/// Who runs them; outlives the world, because a runtime is not dropped inside of another.
#[derive(Debug)]
pub(super) struct Machines {
    all: BTreeMap<HostId, Machine>,
    are_over: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Machine {
    runtime: Runtime,
    idle: Arc<Idle>,
    is_paused: Arc<AtomicBool>,
    /// What its clock has not seen yet.
    behind: Duration,
}

/// A runtime whose clock moves only when it is told, and who tells when it has nothing to do.
pub(super) fn runtime() -> io::Result<(Runtime, Arc<Idle>)> {
    let idle = Arc::new(Idle::default());
    let parked = Arc::clone(&idle);
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).on_thread_park(move || parked.parked()).build()?;
    Ok((runtime, idle))
}

impl Machines {
    /// One for each host that the plan pauses at some time.
    pub(super) fn of(plan: &Plan, topology: &Topology) -> io::Result<Self> {
        let mut paused = BTreeSet::new();
        for step in plan.steps() {
            if let Action::Pause(name) = &step.action {
                paused.extend(topology.hosts_named(name));
            }
        }
        let machine = |host| {
            let (runtime, idle) = runtime()?;
            Ok((host, Machine { runtime, idle, is_paused: Arc::default(), behind: Duration::ZERO }))
        };
        let all = paused.into_iter().map(machine).collect::<io::Result<_>>()?;
        Ok(Self { all, are_over: Arc::default() })
    }

    pub(super) fn places(&self) -> Places {
        let place = |machine: &Machine| Place {
            handle: machine.runtime.handle().clone(),
            is_paused: Arc::clone(&machine.is_paused),
        };
        let all = self.all.iter().map(|(host, machine)| (*host, place(machine))).collect();
        Places { all, are_over: Arc::clone(&self.are_over) }
    }

    /// Runs the world to its end on its own runtime, and all machines beside it.
    pub(super) fn run<T>(mut self, main: &Runtime, wire: &Arc<Wire>, world: impl Future<Output = T>) -> T {
        if self.all.is_empty() {
            return main.block_on(world);
        }
        let mut world = pin!(world);
        let mut due = main.block_on(async { Instant::now() });
        loop {
            let length = if self.are_over.load(Ordering::Relaxed) { LAST_STEPS } else { STEP };
            due += length;
            let step = async {
                tokio::select! {
                    biased;
                    done = &mut world => Ok(done),
                    () = tokio::time::sleep_until(due) => Err(wire.now()),
                }
            };
            match main.block_on(step) {
                Ok(done) => return done,
                Err(now) => self.follow(length, &wire.stand(now)),
            }
        }
    }

    fn follow(&mut self, length: Duration, _now: &Standing<'_>) {
        for machine in self.all.values_mut() {
            machine.behind += length;
            if !machine.is_paused.load(Ordering::Relaxed) {
                machine.catch_up();
            }
        }
    }
}

impl Machine {
    /// Until all its tasks wait for something that is not there yet.
    fn catch_up(&mut self) {
        let behind = std::mem::take(&mut self.behind);
        self.runtime.block_on(async {
            tokio::time::advance(behind).await;
            self.idle.wait().await;
        });
    }
}

/// Where a host's tasks run, for those who start and end them.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    all: BTreeMap<HostId, Place>,
    are_over: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
struct Place {
    handle: Handle,
    is_paused: Arc<AtomicBool>,
}

/// What is spawned meanwhile runs at the host, and sees its clock.
pub(crate) struct At<'a> {
    _runtime: Option<EnterGuard<'a>>,
    _now: Standing<'a>,
}

impl Places {
    /// Must not be held over an `await`.
    pub(crate) fn at<'a>(&'a self, host: HostId, wire: &'a Wire) -> At<'a> {
        let now = wire.stand(wire.now());
        At { _runtime: self.all.get(&host).map(|place| place.handle.enter()), _now: now }
    }

    pub(crate) fn handle(&self, host: HostId) -> Handle {
        self.all.get(&host).map_or_else(Handle::current, |place| place.handle.clone())
    }

    pub(crate) fn pause(&self, host: HostId, paused: bool) {
        if let Some(place) = self.all.get(&host) {
            place.is_paused.store(paused, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_paused(&self, host: HostId) -> bool {
        self.all.get(&host).is_some_and(|place| place.is_paused.load(Ordering::Relaxed))
    }

    /// All hosts are gone.
    pub(crate) fn are_over(&self) {
        self.are_over.store(true, Ordering::Relaxed);
    }

    /// Tasks that live, on the world's own runtime too.
    pub(crate) fn tasks(&self) -> usize {
        let own = self.all.values().map(|place| place.handle.metrics().num_alive_tasks()).sum::<usize>();
        own + Handle::current().metrics().num_alive_tasks()
    }
}
