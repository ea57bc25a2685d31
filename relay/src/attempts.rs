//! How often an address failed lately, and whether it is still listened to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Addresses that are blocked at once; beyond it nobody new is, because memory counts for more.
const BLOCKED: usize = 100_000;

/// Failures by address.
#[derive(Debug)]
pub(crate) struct Attempts {
    rate: ArcSwap<RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>>,
    clock: DefaultClock,
    /// Until when nothing is taken from an address.
    blocked: Mutex<HashMap<IpAddr, Instant>>,
}

impl Attempts {
    pub(crate) fn new(per_minute: NonZeroU32) -> Self {
        let rate = ArcSwap::from_pointee(RateLimiter::hashmap(Quota::per_minute(per_minute)));
        Self { rate, clock: DefaultClock::default(), blocked: Mutex::default() }
    }

    pub(crate) fn set(&self, per_minute: NonZeroU32) {
        self.rate.store(RateLimiter::hashmap(Quota::per_minute(per_minute)).into());
    }

    /// Notes a failure; over the rate the address is blocked until the rate allows another.
    pub(crate) fn failed(&self, from: IpAddr) {
        let Err(over) = self.rate.load().check_key(&from) else { return };
        let until = Instant::now() + over.wait_time_from(self.clock.now());
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        if blocked.len() < BLOCKED {
            blocked.insert(from, until);
        }
    }

    pub(crate) fn is_blocked(&self, from: IpAddr) -> bool {
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        blocked.get(&from).is_some_and(|until| *until > Instant::now())
    }

    /// Forgets what is over.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
        let rate = self.rate.load();
        rate.retain_recent();
        rate.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_blocked_after_its_quota_and_no_other() {
        let attempts = Attempts::new(NonZeroU32::new(2).unwrap());
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        attempts.failed(one);
        attempts.failed(one);
        assert!(!attempts.is_blocked(one));
        attempts.failed(one);
        attempts.sweep();
        assert!(attempts.is_blocked(one) && !attempts.is_blocked(other));
    }
}
