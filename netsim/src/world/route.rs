//! Which links a packet crosses: from host to host, or to the box that its address belongs to and from there inside.

use std::net::IpAddr;

use super::addresses::Owner;
use super::wire::State;
use crate::boxes::Crossing;
use crate::plan::{Hop, HostId, LinkId};

impl State {
    /// From a host up to where both ways meet, and down to the owner of the address.
    pub(super) fn route(&self, from: HostId, to: Owner) -> Vec<Hop> {
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

    /// The way from a link down to an address behind it, the link included.
    pub(super) fn inside(&self, link: LinkId, address: IpAddr) -> Vec<Hop> {
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
}
