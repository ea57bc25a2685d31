//! How many there are of something: in all, and from each address. What is taken is given back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A count with two bounds.
#[derive(Debug, Default)]
pub(super) struct Count {
    all: AtomicU32,
    each: PerAddress,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Address,
}

/// One that is counted, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    count: Arc<Count>,
    from: Option<IpAddr>,
}

impl Count {
    /// Counts one more, unless there are `most`, or `each` from this address. Without an address it is counted in all only.
    pub(super) fn take(self: &Arc<Self>, from: Option<IpAddr>, most: u32, each: u32) -> Result<Place, Full> {
        if self.all.fetch_add(1, Ordering::Relaxed) >= most {
            self.all.fetch_sub(1, Ordering::Relaxed);
            return Err(Full::All);
        }
        // Counted already, so that dropping it gives it back.
        let mut place = Place { count: self.clone(), from: None };
        if let Some(address) = from {
            if !self.each.take(address, each) {
                return Err(Full::Address);
            }
            place.from = from;
        }
        Ok(place)
    }

    pub(super) fn now(&self) -> u32 {
        self.all.load(Ordering::Relaxed)
    }

    /// Addresses that have any.
    #[cfg(test)]
    pub(super) fn addresses(&self) -> usize {
        self.each.0.iter().map(|stripe| stripe.lock().expect("no panic while held").len()).sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.count.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.from {
            self.count.each.give_back(address);
        }
    }
}

/// So that shards seldom wait for each other: with 8 shards two meet in one of 64 about every tenth time.
const STRIPES: usize = 64;

#[derive(Debug)]
struct PerAddress([Mutex<HashMap<IpAddr, u32>>; STRIPES]);

impl Default for PerAddress {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl PerAddress {
    /// Counts one more from `address` unless there are `most`; whether it did.
    fn take(&self, address: IpAddr, most: u32) -> bool {
        let mut counts = self.stripe(address);
        let count = counts.get(&address).copied().unwrap_or(0);
        let taken = count < most;
        if taken {
            counts.insert(address, count + 1);
        }
        taken
    }

    /// Counts one less, and forgets an address that has none.
    fn give_back(&self, address: IpAddr) {
        if let Entry::Occupied(mut entry) = self.stripe(address).entry(address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }

    fn stripe(&self, address: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        let low = match address {
            IpAddr::V4(v4) => v4.octets()[3],
            IpAddr::V6(v6) => v6.octets()[7],
        };
        self.0[usize::from(low) % STRIPES].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An IPv6 customer has a /64 at least, so that is what counts as one address.
pub(super) fn aggregate(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            Ipv6Addr::from(octets).into()
        }
        v4 => v4,
    }
}
