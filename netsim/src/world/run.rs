//! A plan from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::agenda::agenda;
use super::baseline::Baseline;
use super::clock::{self, Idle};
use super::cluster::Cluster;
use super::error::RunError;
use super::hosts::Hosts;
use super::machine::{self, Machines, Places};
use super::memory::resident;
use super::sample::Seen;
use super::watch::Watch;
use super::wire::Wire;
use crate::outcome::{Cost, Outcome, storm};
use crate::plan::{Plan, Topology};

/// After the end of all hosts: longer than anything waits for an answer.
const AFTERLIFE: Duration = Duration::from_secs(180);

/// An outcome, and one line for each packet if they were wanted.
#[derive(Debug)]
pub struct Logged {
    pub outcome: Outcome,
    pub cost: Cost,
    pub packets: Option<String>,
}

/// Runs a plan; with the same seed it has the same outcome.
///
/// # Errors
/// When the host's own disk or the programs' own settings stand in the way, not for anything in the plan.
pub fn run(plan: &Plan, seed: u64) -> Result<Outcome, RunError> {
    run_logged(plan, seed, false, |_| {}).map(|logged| logged.outcome)
}

/// The same, with every packet written down when `logs`, and `progress` told how much time has passed.
///
/// Every run has a thread of its own: a thread keeps what is left of the slabs that it reads into, and the next run would
/// read as much as the last one had left over.
///
/// # Errors
/// As [`run`].
pub fn run_logged(
    plan: &Plan,
    seed: u64,
    logs: bool,
    mut progress: impl FnMut(Duration) + Send,
) -> Result<Logged, RunError> {
    std::thread::scope(|scope| {
        let running = scope.spawn(|| run_here(plan, seed, logs, |hosts| progress(hosts.watch.now())));
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

pub(super) fn run_here(
    plan: &Plan,
    seed: u64,
    logs: bool,
    look: impl FnMut(&mut Hosts),
) -> Result<Logged, RunError> {
    let _seeded = tunnel::chance::seed(seed);
    let topology = Topology::new(plan);
    let machines = Machines::of(plan, &topology)?;
    let (runtime, idle) = machine::runtime()?;
    let wire = {
        let _within = runtime.enter();
        Wire::new(plan, topology.clone(), seed, logs)
    };
    let world = live(plan, seed, (topology, wire.clone(), machines.places()), idle, look);
    machines.run(&runtime, &wire, world)
}

async fn live(
    plan: &Plan,
    seed: u64,
    (topology, wire, places): (Topology, Arc<Wire>, Places),
    idle: Arc<Idle>,
    look: impl FnMut(&mut Hosts),
) -> Result<Logged, RunError> {
    let began = std::time::Instant::now();
    let watch = Watch::new(plan, seed, &wire);
    let driver = AbortOnDropHandle::new(tokio::spawn(clock::drive(wire.clone(), idle)));
    let baseline = Baseline::now(&places);
    let mut hosts = Hosts::prepare(plan, &topology, &wire, &watch, places.clone())?;
    if let Some(control) = &plan.control {
        hosts.cluster = Some(Cluster::start(control, &wire).await);
    }
    let mut cost = Cost::default();
    happen(&mut hosts, &mut cost, look).await?;
    finish_open_streams(&hosts);
    watch.outcome().control = hosts.cluster.as_ref().map(Cluster::outcome);
    hosts.kill_all();
    drop(hosts);
    places.are_over();
    tokio::time::sleep(AFTERLIFE).await;
    baseline.judge(&places, &wire, &watch);
    drop(driver);
    cost.took = began.elapsed().as_secs_f64();
    let mut state = wire.state();
    let mut outcome = watch.outcome().clone();
    for (at, detail) in storm::crowded(plan, &outcome) {
        outcome.violated(at, "reconnects are spread", &detail);
    }
    outcome.trace = state.trace.hash();
    outcome.packets = state.trace.packets.clone();
    Ok(Logged { outcome, cost, packets: state.trace.take_log() })
}

/// Everything that the plan says, from its start to its end.
async fn happen(
    hosts: &mut Hosts,
    cost: &mut Cost,
    mut look: impl FnMut(&mut Hosts),
) -> Result<(), RunError> {
    let (start, length, every) = (Instant::now(), hosts.plan.length, hosts.plan.sample_every());
    let mut agenda = agenda(&hosts.plan, &hosts.topology).into_iter().peekable();
    let mut seen = Seen::new();
    let mut sample = start;
    cost.note(Duration::ZERO, resident());
    while let Some((_, due)) = agenda.next_if(|(at, _)| at.is_zero()) {
        hosts.act(&due).await?;
    }
    while hosts.wire.now() < length {
        hosts.sample(&mut seen);
        hosts.judge();
        cost.note(hosts.wire.now(), resident());
        look(hosts);
        sample += every;
        while let Some((at, due)) = agenda.next_if(|(at, _)| start + *at <= sample) {
            tokio::time::sleep_until(start + at).await;
            hosts.act(&due).await?;
        }
        tokio::time::sleep_until(sample).await;
    }
    hosts.sample(&mut seen);
    hosts.judge();
    Ok(())
}

/// Streams that are open and sound at the end have ended well.
fn finish_open_streams(hosts: &Hosts) {
    for work in &mut hosts.watch.outcome().work {
        work.finished = work.opened - work.lost;
    }
}
