//! Who has which address: hosts 10.0.0.0/8, what NATs show 100.64.0.0/10.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::plan::{HostId, LinkId, Plan, Topology};

const HOSTS: u32 = u32::from_be_bytes([10, 0, 0, 1]);
const PUBLIC: u32 = u32::from_be_bytes([100, 64, 0, 1]);

/// Whose address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Host(HostId),
    /// The NAT of a link, and some host behind it.
    Nat(LinkId, HostId),
}

#[derive(Debug)]
pub(crate) struct Addresses {
    nats: BTreeMap<LinkId, (IpAddr, HostId)>,
    hosts: u32,
}

impl Addresses {
    pub(crate) fn new(plan: &Plan, topology: &Topology) -> Self {
        let mut nats = BTreeMap::new();
        for host in topology.hosts() {
            for link in topology.ladder(host).iter().filter(|link| topology.path(plan, **link).nat.is_some())
            {
                nats.entry(*link).or_insert((numbered(PUBLIC, link.0), host));
            }
        }
        let hosts = u32::try_from(topology.hosts().count()).expect("a plan has at most 100,000 hosts");
        Self { nats, hosts }
    }

    #[expect(clippy::unused_self, reason = "who has the table may ask it")]
    pub(crate) fn of(&self, host: HostId) -> IpAddr {
        numbered(HOSTS, host.0)
    }

    /// What the NAT of a link shows.
    pub(crate) fn public(&self, link: LinkId) -> Option<IpAddr> {
        self.nats.get(&link).map(|(address, _)| *address)
    }

    pub(crate) fn owner(&self, address: IpAddr) -> Option<Owner> {
        let IpAddr::V4(address) = address else { return None };
        let number = u32::from(address);
        if (HOSTS..HOSTS + self.hosts).contains(&number) {
            return Some(Owner::Host(HostId((number - HOSTS) as usize)));
        }
        let link = LinkId(number.checked_sub(PUBLIC)? as usize);
        self.nats.get(&link).map(|(_, behind)| Owner::Nat(link, *behind))
    }
}

fn numbered(first: u32, index: usize) -> IpAddr {
    let index = u32::try_from(index).expect("a plan has at most 100,000 hosts and as many links");
    Ipv4Addr::from(first + index).into()
}
