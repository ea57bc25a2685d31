//! The network between all hosts: who sends, what happens next, and when.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::addresses::Addresses;
use super::event::{Event, Stage};
use super::line::Line;
use super::packet::Packet;
use super::pause::Held;
use super::port::Ports;
use super::trace::Trace;
use crate::plan::{HostId, Plan, Topology};

/// The network; shared by all hosts' sockets.
#[derive(Debug)]
pub(crate) struct Wire {
    start: Instant,
    /// The time of the network while a host's own clock is at work.
    stands: Mutex<Option<Duration>>,
    sooner: Notify,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) topology: Topology,
    pub(crate) addresses: Addresses,
    pub(crate) lines: Vec<Line>,
    pub(crate) ports: Ports,
    pub(crate) trace: Trace,
    pub(super) rng: StdRng,
    events: BinaryHeap<Event>,
    /// What was sent at this moment. Which of several tasks runs first at one moment is chance; so all have their turn, and
    /// then the packets leave in the order of their addresses.
    outbox: Vec<(HostId, Packet)>,
    /// Numbers events, so that those of one time keep their order.
    count: u64,
    /// Paused hosts, and what they miss.
    pub(super) held: BTreeMap<HostId, Held>,
}

impl Wire {
    pub(crate) fn new(plan: &Plan, topology: Topology, seed: u64, logs: bool) -> Arc<Self> {
        let addresses = Addresses::new(plan, &topology);
        let lines = topology
            .links()
            .map(|link| Line::new(topology.path(plan, link), addresses.public(link)))
            .collect();
        let state = State {
            topology,
            addresses,
            lines,
            ports: Ports::default(),
            trace: Trace::new(logs),
            rng: StdRng::seed_from_u64(seed),
            events: BinaryHeap::new(),
            outbox: Vec::new(),
            count: 0,
            held: BTreeMap::new(),
        };
        Arc::new(Self {
            start: Instant::now(),
            stands: Mutex::default(),
            sooner: Notify::new(),
            state: Mutex::new(state),
        })
    }

    /// Since the start of the plan.
    pub(crate) fn now(&self) -> Duration {
        (*self.stands()).unwrap_or_else(|| self.start.elapsed())
    }

    /// From here on, until what it gives back is dropped, it is `now`: clocks of several runtimes are not compared.
    pub(crate) fn stand(&self, now: Duration) -> Standing<'_> {
        let before = self.stands().replace(now);
        Standing { wire: self, before }
    }

    fn stands(&self) -> MutexGuard<'_, Option<Duration>> {
        self.stands.lock().expect("no panic while held")
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// An event was added that comes before all others.
    pub(crate) fn sooner(&self) -> &Notify {
        &self.sooner
    }

    /// Time until the next event.
    pub(crate) fn ahead(&self) -> Option<Duration> {
        let now = self.now();
        let state = self.state();
        if !state.outbox.is_empty() {
            return Some(Duration::ZERO);
        }
        state.events.peek().map(|event| event.at.saturating_sub(now))
    }

    /// Everybody waits: what was sent at this moment leaves.
    pub(crate) fn flush(&self) {
        let now = self.now();
        let mut state = self.state();
        let mut outbox = std::mem::take(&mut state.outbox);
        outbox.sort_by_key(|(host, packet)| (*host, packet.protocol(), packet.from, packet.to));
        outbox.into_iter().for_each(|(host, packet)| state.leave(now, host, packet));
    }

    /// Lets everything happen that is due.
    pub(crate) fn deliver(&self) {
        let now = self.now();
        let mut state = self.state();
        while state.events.peek().is_some_and(|event| event.at <= now) {
            let event = state.events.pop().expect("there is one");
            state.happen(event.at, event.stage);
        }
    }

    /// A host sends.
    pub(crate) fn send(&self, host: HostId, packet: Packet) {
        self.with(|state, _| state.send(host, packet));
    }

    /// Does something with the state that may add events.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State, Duration) -> T) -> T {
        let now = self.now();
        let mut state = self.state();
        let before = state.next();
        let done = act(&mut state, now);
        if state.next() > before {
            self.sooner.notify_one();
        }
        done
    }
}

/// Time stands, while this lives.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    wire: &'a Wire,
    before: Option<Duration>,
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        *self.wire.stands() = self.before;
    }
}

impl State {
    /// What comes next, the sooner the greater.
    fn next(&self) -> (bool, Option<std::cmp::Reverse<Duration>>) {
        (!self.outbox.is_empty(), self.events.peek().map(|event| std::cmp::Reverse(event.at)))
    }

    pub(crate) fn send(&mut self, host: HostId, packet: Packet) {
        self.outbox.push((host, packet));
    }

    pub(crate) fn plan_event(&mut self, at: Duration, stage: Stage) {
        self.count += 1;
        self.events.push(Event { at, count: self.count, stage });
    }
}
