//! A host that stands still, as the network sees it: it neither sends nor receives, and its kernel's timers wait too.

use std::time::Duration;

use super::event::Stage;
use super::packet::Packet;
use super::port::PortId;
use super::wire::State;
use crate::plan::HostId;

/// What a paused host has not done.
#[derive(Debug, Default)]
pub(crate) struct Held {
    packets: Vec<Packet>,
    timers: Vec<(PortId, u64)>,
}

impl State {
    pub(crate) fn pause(&mut self, host: HostId) {
        self.held.entry(host).or_default();
    }

    pub(crate) fn resume(&mut self, now: Duration, host: HostId) {
        let own = self.addresses.of(host);
        let held = self.held.remove(&host).unwrap_or_default();
        for packet in held.packets {
            if packet.from.ip() == own {
                self.send(host, packet);
            } else {
                self.receive(now, host, packet);
            }
        }
        for (port, count) in held.timers {
            self.plan_event(now, Stage::Timer { port, count });
        }
    }

    /// Keeps a packet that comes or goes while the host is paused; gives it back if it is not.
    pub(super) fn hold(&mut self, host: HostId, packet: Packet) -> Option<Packet> {
        let Some(held) = self.held.get_mut(&host) else { return Some(packet) };
        held.packets.push(packet);
        None
    }

    /// Likewise a timer of its kernel.
    pub(super) fn holds_timer(&mut self, port: PortId, count: u64) -> bool {
        let held = self.held.get_mut(&port.0);
        held.map(|held| held.timers.push((port, count))).is_some()
    }
}
