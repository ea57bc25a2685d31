//! The network between all hosts: packets climb from link to link, through the boxes that stand there.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::addresses::{Addresses, Owner};
use super::event::{Event, Stage};
use super::line::Line;
use super::packet::Packet;
use super::port::Ports;
use super::trace::Trace;
use crate::boxes::Crossing;
use crate::link::{Fate, Reason};
use crate::plan::{Hop, HostId, LinkId, Plan, Topology};

/// From one host of a rack to another.
const RACK: Duration = Duration::from_micros(20);

/// The network; shared by all hosts' sockets.
#[derive(Debug)]
pub(crate) struct Wire {
    start: Instant,
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
    rng: StdRng,
    events: BinaryHeap<Event>,
    /// What was sent at this moment. Which of several tasks runs first at one moment is chance; so all have their turn, and
    /// then the packets leave in the order of their addresses.
    outbox: Vec<(HostId, Packet)>,
    /// Numbers events, so that those of one time keep their order.
    count: u64,
    /// What paused hosts have sent and not received.
    held: BTreeMap<HostId, Vec<Packet>>,
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
        Arc::new(Self { start: Instant::now(), sooner: Notify::new(), state: Mutex::new(state) })
    }

    /// Since the start of the plan.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
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

impl State {
    /// What comes next, the sooner the greater.
    fn next(&self) -> (bool, Option<std::cmp::Reverse<Duration>>) {
        (!self.outbox.is_empty(), self.events.peek().map(|event| std::cmp::Reverse(event.at)))
    }

    pub(crate) fn send(&mut self, host: HostId, packet: Packet) {
        self.outbox.push((host, packet));
    }

    fn leave(&mut self, now: Duration, host: HostId, packet: Packet) {
        if let Some(held) = self.held.get_mut(&host) {
            return held.push(packet);
        }
        self.trace.sent(now, &packet);
        let Some(owner) = self.addresses.owner(packet.to.ip()) else {
            return self.trace.dropped(now, &packet, "no such address");
        };
        let hops: Arc<[Hop]> = self.route(host, owner).into();
        if hops.is_empty() {
            return self.plan_event(now + RACK, Stage::Enter { packet, hops, hop: 0 });
        }
        self.happen(now, Stage::Enter { packet, hops, hop: 0 });
    }

    /// From a host up to where both ways meet, and down to the owner of the address.
    fn route(&self, from: HostId, to: Owner) -> Vec<Hop> {
        match to {
            Owner::Host(to) => self.topology.route(from, to),
            Owner::Nat(link, behind) => {
                let mut hops = self.topology.route(from, behind);
                // What is behind the box, only the box knows.
                if let Some(end) =
                    hops.iter().position(|hop| hop.link == link && hop.crossing == Crossing::In)
                {
                    hops.truncate(end + 1);
                }
                hops
            }
        }
    }

    pub(crate) fn plan_event(&mut self, at: Duration, stage: Stage) {
        self.count += 1;
        self.events.push(Event { at, count: self.count, stage });
    }

    fn happen(&mut self, now: Duration, stage: Stage) {
        match stage {
            Stage::Enter { packet, hops, hop } => match hops.get(hop).copied() {
                None => self.arrive(now, packet),
                Some(Hop { link, crossing: Crossing::Out }) => self.climb(now, link, packet, hops, hop),
                Some(Hop { link, crossing: Crossing::In }) => self.descend(now, link, packet, hops, hop),
            },
            Stage::Leave { mut packet, hops, hop } => {
                match self.lines[hops[hop].link.0].out(now, &mut packet) {
                    Ok(()) => self.happen(now, Stage::Enter { packet, hops, hop: hop + 1 }),
                    Err(why) => self.trace.dropped(now, &packet, why),
                }
            }
            Stage::Timer { port, count } => self.timer(now, port, count),
        }
    }

    fn climb(&mut self, now: Duration, link: LinkId, packet: Packet, hops: Arc<[Hop]>, hop: usize) {
        let fate = self.lines[link.0].up.offer(now, packet.bytes(), &mut self.rng);
        self.travel(now, fate, packet, |packet| Stage::Leave { packet, hops: hops.clone(), hop });
    }

    fn descend(
        &mut self,
        now: Duration,
        link: LinkId,
        mut packet: Packet,
        mut hops: Arc<[Hop]>,
        mut hop: usize,
    ) {
        let line = &mut self.lines[link.0];
        let public = packet.to;
        if let Err(why) = line.inward(now, &mut packet) {
            return self.trace.dropped(now, &packet, why);
        }
        let fate = line.down.offer(now, packet.bytes(), &mut self.rng);
        if packet.to != public {
            hops = self.inside(link, packet.to.ip()).into();
            hop = 0;
        }
        self.travel(now, fate, packet, |packet| Stage::Enter { packet, hops: hops.clone(), hop: hop + 1 });
    }

    /// The way from a link down to an address behind it, the link included.
    fn inside(&self, link: LinkId, address: std::net::IpAddr) -> Vec<Hop> {
        let Some(owner) = self.addresses.owner(address) else { return Vec::new() };
        let (behind, end) = match owner {
            Owner::Host(host) => (host, None),
            Owner::Nat(inner, behind) => (behind, Some(inner)),
        };
        let ladder = self.topology.ladder(behind);
        let Some(top) = ladder.iter().position(|other| *other == link) else { return Vec::new() };
        let bottom = end.and_then(|end| ladder.iter().position(|other| *other == end)).unwrap_or(0);
        ladder[bottom..=top].iter().rev().map(|link| Hop { link: *link, crossing: Crossing::In }).collect()
    }

    fn travel(&mut self, now: Duration, fate: Fate, packet: Packet, next: impl Fn(Packet) -> Stage) {
        if let Fate::Dropped(reason) = fate {
            let why = match reason {
                Reason::Down => "link cut",
                Reason::TooBig { .. } => "too big",
                Reason::QueueFull => "queue full",
                Reason::Lost => "lost",
            };
            return self.trace.dropped(now, &packet, why);
        }
        for arrival in fate.arrivals() {
            if arrival.corrupt {
                self.trace.dropped(now, &packet, "damaged");
            } else {
                self.plan_event(arrival.at, next(packet.clone()));
            }
        }
    }

    fn arrive(&mut self, now: Duration, packet: Packet) {
        let Some(Owner::Host(host)) = self.addresses.owner(packet.to.ip()) else {
            return self.trace.dropped(now, &packet, "no such address");
        };
        if let Some(held) = self.held.get_mut(&host) {
            return held.push(packet);
        }
        self.receive(now, host, packet);
    }

    /// The host sends and receives nothing; both wait.
    pub(crate) fn pause(&mut self, host: HostId) {
        self.held.entry(host).or_default();
    }

    pub(crate) fn resume(&mut self, now: Duration, host: HostId) {
        let own = self.addresses.of(host);
        for packet in self.held.remove(&host).unwrap_or_default() {
            if packet.from.ip() == own {
                self.send(host, packet);
            } else {
                self.receive(now, host, packet);
            }
        }
    }
}
