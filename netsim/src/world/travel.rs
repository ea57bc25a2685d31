//! A packet's way: up the links of its sender's ladder and out of the boxes there, down to its receiver.

use std::sync::Arc;
use std::time::Duration;

use super::addresses::Owner;
use super::event::Stage;
use super::packet::Packet;
use super::wire::State;
use crate::boxes::Crossing;
use crate::link::{Fate, Reason};
use crate::plan::{Hop, HostId, LinkId};

/// From one host of a rack to another.
const RACK: Duration = Duration::from_micros(20);

impl State {
    pub(super) fn leave(&mut self, now: Duration, host: HostId, packet: Packet) {
        let Some(packet) = self.hold(host, packet) else { return };
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

    pub(super) fn happen(&mut self, now: Duration, stage: Stage) {
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
            Stage::Timer { port, count } if self.holds_timer(port, count) => {}
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
        if let Some(packet) = self.hold(host, packet) {
            self.receive(now, host, packet);
        }
    }
}
