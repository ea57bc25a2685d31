//! Who may connect: connections at once, connections from one address, new ones a second, handshakes at once.
//!
//! A [`Permit`] counts until it is dropped. The checks happen right after `accept`, before a byte is read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::settings::Limits;

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Turned {
    #[error("the gateway has as many connections as `limits.connections` allows")]
    Full,
    #[error("this address has as many connections as `limits.connectionsPerAddress` allows")]
    AddressFull,
    #[error("this address opens connections faster than `limits.newPerSecond` allows")]
    TooFast,
    #[error("as many TLS handshakes are under way as `limits.handshakes` allows")]
    Handshakes,
    #[error("this address sends requests faster than `limits.requestsPerSecond` allows")]
    Requests,
}

type Rate = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>;

/// The door of the gateway; shared by all its listeners.
#[derive(Debug)]
pub struct Guard {
    bounds: ArcSwap<Bounds>,
    open: AtomicU32,
    handshakes: AtomicU32,
    addresses: [Mutex<HashMap<IpAddr, u32>>; STRIPES],
    /// Handshakes under way, by address.
    shaking: Mutex<HashMap<IpAddr, u32>>,
}

/// One address may have a quarter of all handshakes under way, so that whoever begins them and goes silent keeps
/// nobody else out.
const SHARE: u32 = 4;

/// So that shards seldom wait for each other: with 8 shards two meet in one of 64 about every tenth time.
const STRIPES: usize = 64;

#[derive(Debug)]
struct Bounds {
    connections: u32,
    per_address: u32,
    handshakes: u32,
    rate: Rate,
    requests: Rate,
}

impl Bounds {
    fn new(limits: &Limits) -> Self {
        let quota = Quota::per_second(limits.new_per_second).allow_burst(limits.new_burst);
        Self {
            connections: limits.connections,
            per_address: limits.connections_per_address,
            handshakes: limits.handshakes,
            rate: RateLimiter::hashmap(quota),
            requests: RateLimiter::hashmap(
                Quota::per_second(limits.requests_per_second).allow_burst(limits.request_burst),
            ),
        }
    }
}

/// One connection that is counted; dropping it makes room.
#[derive(Debug)]
pub struct Permit {
    guard: Arc<Guard>,
    address: IpAddr,
}

/// One TLS handshake under way; dropping it makes room.
#[derive(Debug)]
pub struct Handshake {
    guard: Arc<Guard>,
    from: Option<IpAddr>,
}

impl Guard {
    pub fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            bounds: ArcSwap::from_pointee(Bounds::new(limits)),
            open: AtomicU32::new(0),
            handshakes: AtomicU32::new(0),
            addresses: std::array::from_fn(|_| Mutex::default()),
            shaking: Mutex::default(),
        })
    }

    /// Other limits for what comes from now on; rates begin anew.
    pub fn set(&self, limits: &Limits) {
        self.bounds.store(Arc::new(Bounds::new(limits)));
    }

    /// Counts a new connection from `ip`, which is the client's own address where a load balancer named it.
    pub fn connection(self: &Arc<Self>, ip: IpAddr) -> Result<Permit, Turned> {
        let bounds = self.bounds.load();
        let address = aggregate(ip);
        take(&self.open, bounds.connections).map_err(|()| Turned::Full)?;
        let admitted = self.count_address(address, bounds.per_address).and_then(|()| {
            // Counted already, so that the permit below gives it back.
            bounds.rate.check_key(&address).map_err(|_| Turned::TooFast)
        });
        match admitted {
            Ok(()) => Ok(Permit { guard: self.clone(), address }),
            Err(Turned::TooFast) => {
                drop(Permit { guard: self.clone(), address });
                Err(Turned::TooFast)
            }
            Err(turned) => {
                self.open.fetch_sub(1, Ordering::Relaxed);
                Err(turned)
            }
        }
    }

    /// Counts a TLS handshake that begins; it comes out of the share of `from`. A load balancer has none: `None`.
    pub fn handshake(self: &Arc<Self>, from: Option<IpAddr>) -> Result<Handshake, Turned> {
        let most = self.bounds.load().handshakes;
        take(&self.handshakes, most).map_err(|()| Turned::Handshakes)?;
        // Counted already, so that dropping it gives it back.
        let mut handshake = Handshake { guard: self.clone(), from: None };
        if let Some(address) = from.map(aggregate) {
            let mut shaking = self.shaking.lock().unwrap_or_else(PoisonError::into_inner);
            let count = shaking.entry(address).or_insert(0);
            if *count >= (most / SHARE).max(1) {
                return Err(Turned::Handshakes);
            }
            *count += 1;
            handshake.from = Some(address);
        }
        Ok(handshake)
    }

    /// Counts a request over HTTP from `ip`; `Err`: how long until the next one is welcome.
    pub fn request(&self, ip: IpAddr) -> Result<(), Duration> {
        let checked = self.bounds.load().requests.check_key(&aggregate(ip));
        checked.map_err(|over| over.wait_time_from(DefaultClock::default().now()))
    }

    /// Client connections open now.
    pub fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Forgets the rates of addresses that have been quiet; call it now and then.
    pub fn sweep(&self) {
        let bounds = self.bounds.load();
        for rate in [&bounds.rate, &bounds.requests] {
            rate.retain_recent();
            rate.shrink_to_fit();
        }
    }

    fn count_address(&self, address: IpAddr, most: u32) -> Result<(), Turned> {
        let mut addresses = self.stripe(address).lock().unwrap_or_else(PoisonError::into_inner);
        let count = addresses.entry(address).or_insert(0);
        if *count >= most {
            if *count == 0 {
                addresses.remove(&address);
            }
            return Err(Turned::AddressFull);
        }
        *count += 1;
        Ok(())
    }

    fn stripe(&self, address: IpAddr) -> &Mutex<HashMap<IpAddr, u32>> {
        let low = match address {
            IpAddr::V4(v4) => v4.octets()[3],
            IpAddr::V6(v6) => v6.octets()[7],
        };
        &self.addresses[usize::from(low) % STRIPES]
    }
}

/// Adds one unless `most` is reached.
fn take(counter: &AtomicU32, most: u32) -> Result<(), ()> {
    if counter.fetch_add(1, Ordering::Relaxed) < most {
        return Ok(());
    }
    counter.fetch_sub(1, Ordering::Relaxed);
    Err(())
}

/// An IPv6 customer has a /64 at least, so that is what counts as one address.
fn aggregate(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            Ipv6Addr::from(octets).into()
        }
        v4 => v4,
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.guard.open.fetch_sub(1, Ordering::Relaxed);
        let mut addresses = self.guard.stripe(self.address).lock().unwrap_or_else(PoisonError::into_inner);
        give_back(&mut addresses, self.address);
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.guard.handshakes.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.from {
            let mut shaking = self.guard.shaking.lock().unwrap_or_else(PoisonError::into_inner);
            give_back(&mut shaking, address);
        }
    }
}

/// Counts one less, and forgets an address that has none.
fn give_back(counts: &mut HashMap<IpAddr, u32>, address: IpAddr) {
    if let Entry::Occupied(mut entry) = counts.entry(address) {
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests;
