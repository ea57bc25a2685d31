//! Who may connect: connections at once, connections from one address, new ones a second, handshakes at once.
//!
//! A [`Permit`] counts until it is dropped. The checks happen right after `accept`, before a byte is read.

mod count;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::settings::Limits;
use count::{Count, Full, Place, aggregate};

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
    connections: Arc<Count>,
    /// Under way.
    handshakes: Arc<Count>,
}

/// One address may have a quarter of all handshakes under way, so that whoever begins them and goes silent keeps
/// nobody else out.
const SHARE: u32 = 4;

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
    _place: Place,
}

/// One TLS handshake under way; dropping it makes room.
#[derive(Debug)]
pub struct Handshake {
    _place: Place,
}

impl Guard {
    pub fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            bounds: ArcSwap::from_pointee(Bounds::new(limits)),
            connections: Arc::default(),
            handshakes: Arc::default(),
        })
    }

    /// Other limits for what comes from now on; rates begin anew.
    pub fn set(&self, limits: &Limits) {
        self.bounds.store(Arc::new(Bounds::new(limits)));
    }

    /// Counts a new connection from `ip`, which is the client's own address where a load balancer named it.
    pub fn connection(&self, ip: IpAddr) -> Result<Permit, Turned> {
        let bounds = self.bounds.load();
        let address = aggregate(ip);
        let place = self.connections.take(Some(address), bounds.connections, bounds.per_address);
        let place = place.map_err(|full| match full {
            Full::All => Turned::Full,
            Full::Address => Turned::AddressFull,
        })?;
        bounds.rate.check_key(&address).map_err(|_| Turned::TooFast)?;
        Ok(Permit { _place: place })
    }

    /// Counts a TLS handshake that begins; it comes out of the share of `from`. A load balancer has none: `None`.
    pub fn handshake(&self, from: Option<IpAddr>) -> Result<Handshake, Turned> {
        let most = self.bounds.load().handshakes;
        let place = self.handshakes.take(from.map(aggregate), most, (most / SHARE).max(1));
        Ok(Handshake { _place: place.map_err(|_| Turned::Handshakes)? })
    }

    /// Counts a request over HTTP from `ip`; `Err`: how long until the next one is welcome.
    pub fn request(&self, ip: IpAddr) -> Result<(), Duration> {
        let checked = self.bounds.load().requests.check_key(&aggregate(ip));
        checked.map_err(|over| over.wait_time_from(DefaultClock::default().now()))
    }

    /// Client connections open now.
    pub fn open(&self) -> u32 {
        self.connections.now()
    }

    /// Forgets the rates of addresses that have been quiet; call it now and then.
    pub fn sweep(&self) {
        let bounds = self.bounds.load();
        for rate in [&bounds.rate, &bounds.requests] {
            rate.retain_recent();
            rate.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests;
