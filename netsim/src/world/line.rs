//! One link of the plan: both directions, and the boxes at its outer end.

use std::net::IpAddr;
use std::time::Duration;

use super::packet::Packet;
use crate::boxes::{Crossing, Firewall, Flow, Nat};
use crate::link::Link;
use crate::plan::Path;

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) up: Link,
    pub(crate) down: Link,
    pub(crate) nat: Option<Nat>,
    pub(crate) firewall: Option<Firewall>,
}

impl Line {
    /// `public`: what the NAT shows, if the path has one.
    pub(crate) fn new(path: &Path, public: Option<IpAddr>) -> Self {
        Self {
            up: Link::new(path.up.clone()),
            down: Link::new(path.down.clone()),
            nat: path.nat.clone().zip(public).map(|(model, public)| Nat::new(model, public)),
            firewall: path.firewall.clone().map(Firewall::new),
        }
    }

    /// From inside, firewall first.
    pub(crate) fn out(&mut self, now: Duration, packet: &mut Packet) -> Result<(), &'static str> {
        let flow = Flow { protocol: packet.protocol(), inside: packet.from, outside: packet.to };
        self.passes(now, Crossing::Out, flow, packet.bytes())?;
        if let Some(nat) = &mut self.nat {
            packet.from = nat.outbound(now, flow.protocol, packet.from, packet.to).ok_or("nat")?;
        }
        Ok(())
    }

    /// From outside, NAT first.
    pub(crate) fn inward(&mut self, now: Duration, packet: &mut Packet) -> Result<(), &'static str> {
        let protocol = packet.protocol();
        if let Some(nat) = self.nat.as_mut().filter(|nat| nat.public() == packet.to.ip()) {
            packet.to = nat.inbound(now, protocol, packet.to.port(), packet.from).ok_or("nat")?;
        }
        let flow = Flow { protocol, inside: packet.to, outside: packet.from };
        self.passes(now, Crossing::In, flow, packet.bytes())
    }

    fn passes(
        &mut self,
        now: Duration,
        crossing: Crossing,
        flow: Flow,
        bytes: usize,
    ) -> Result<(), &'static str> {
        let passes = self.firewall.as_mut().is_none_or(|wall| wall.passes(now, crossing, flow, bytes));
        if passes { Ok(()) } else { Err("firewall") }
    }
}
