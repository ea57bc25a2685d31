//! The hosts and links that a plan describes, one by one.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Host, Path, Plan};
use crate::boxes::Crossing;

/// A number of a host, counted from 0 in the order of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub usize);

/// A number of a path's single link (both directions, with its NAT and firewall), counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub usize);

/// A step of the way from host to host: `Out` goes up the link and then out of its boxes, `In` the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    pub link: LinkId,
    pub crossing: Crossing,
}

/// Single hosts and links of a plan.
#[derive(Clone, Debug)]
pub struct Topology {
    hosts: Vec<Single>,
    links: Vec<Instance>,
    /// Of every name, of a group or of a single host.
    named: BTreeMap<String, Range<usize>>,
}

#[derive(Clone, Debug)]
struct Single {
    name: String,
    /// Which of the plan's hosts.
    group: usize,
    /// From the host outwards.
    ladder: Vec<LinkId>,
}

#[derive(Clone, Debug)]
struct Instance {
    name: String,
    path: String,
}

impl Topology {
    pub fn new(plan: &Plan) -> Self {
        let mut topology = Self { hosts: Vec::new(), links: Vec::new(), named: BTreeMap::new() };
        let mut shared = BTreeMap::new();
        for (group, host) in plan.hosts.iter().enumerate() {
            let first = topology.hosts.len();
            for name in host.members() {
                let ladder =
                    host.path.iter().map(|path| topology.link(plan, path, &name, &mut shared)).collect();
                let number = topology.hosts.len();
                topology.named.insert(name.clone(), number..number + 1);
                topology.hosts.push(Single { name, group, ladder });
            }
            topology.named.insert(host.name.to_string(), first..topology.hosts.len());
        }
        topology
    }

    fn link(&mut self, plan: &Plan, path: &str, host: &str, shared: &mut BTreeMap<String, LinkId>) -> LinkId {
        let is_shared = plan.path.get(path).is_some_and(|path| path.shared);
        if let Some(link) = shared.get(path).filter(|_| is_shared) {
            return *link;
        }
        let link = LinkId(self.links.len());
        let name = if is_shared { path.to_owned() } else { format!("{path} of {host}") };
        self.links.push(Instance { name, path: path.to_owned() });
        if is_shared {
            shared.insert(path.to_owned(), link);
        }
        link
    }

    pub fn hosts(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.hosts.len()).map(HostId)
    }

    pub fn links(&self) -> impl Iterator<Item = LinkId> + use<> {
        (0..self.links.len()).map(LinkId)
    }

    /// `node-2`.
    pub fn host_name(&self, host: HostId) -> &str {
        &self.hosts[host.0].name
    }

    /// `uplink`, or `wifi of node-2`.
    pub fn link_name(&self, link: LinkId) -> &str {
        &self.links[link.0].name
    }

    /// What the plan says about a host.
    pub fn host<'p>(&self, plan: &'p Plan, host: HostId) -> &'p Host {
        &plan.hosts[self.hosts[host.0].group]
    }

    /// What the plan says about a link.
    pub fn path<'p>(&self, plan: &'p Plan, link: LinkId) -> &'p Path {
        plan.path.get(&self.links[link.0].path).expect("a plan is checked: each path of a host is described")
    }

    /// The hosts of a name: all of `node`, or one `node-2`; none if there is no such host.
    pub fn hosts_named(&self, name: &str) -> Vec<HostId> {
        self.numbers(name).map(HostId).collect()
    }

    /// Which of the hosts of a name it is, from 0, and how many they are.
    pub fn place_among(&self, name: &str, host: HostId) -> Option<(usize, usize)> {
        let numbers = self.numbers(name);
        numbers.contains(&host.0).then(|| (host.0 - numbers.start, numbers.len()))
    }

    /// Of the hosts of a name, the one at a place; they take turns.
    pub fn in_turn(&self, name: &str, place: usize) -> Option<HostId> {
        let numbers = self.numbers(name);
        place.checked_rem(numbers.len()).map(|place| HostId(numbers.start + place))
    }

    fn numbers(&self, name: &str) -> Range<usize> {
        self.named.get(name).cloned().unwrap_or_default()
    }

    /// The links of a name: all of a path, or the first link of a host or of all hosts of a name.
    pub fn links_named(&self, name: &str) -> Vec<LinkId> {
        let of_path: Vec<LinkId> = self.links().filter(|link| self.links[link.0].path == name).collect();
        if !of_path.is_empty() {
            return of_path;
        }
        let mut first: Vec<LinkId> =
            self.hosts_named(name).iter().filter_map(|host| self.ladder(*host).first().copied()).collect();
        first.dedup();
        first
    }

    /// The links from a host to the Internet.
    pub fn ladder(&self, host: HostId) -> &[LinkId] {
        &self.hosts[host.0].ladder
    }

    /// The way from one host to another: up to where both ladders meet (the first link that they share, which is not
    /// crossed, or the Internet), and down.
    pub fn route(&self, from: HostId, to: HostId) -> Vec<Hop> {
        let (up, down) = (self.ladder(from), self.ladder(to));
        let meet = up.iter().position(|link| down.contains(link)).unwrap_or(up.len());
        let below =
            up.get(meet).and_then(|link| down.iter().position(|other| other == link)).unwrap_or(down.len());
        let outward = up[..meet].iter().map(|link| Hop { link: *link, crossing: Crossing::Out });
        let inward = down[..below].iter().rev().map(|link| Hop { link: *link, crossing: Crossing::In });
        outward.chain(inward).collect()
    }
}
