//! Slows down who tries keys and passwords: after each wrong one its address and the name that it tried have to wait, twice
//! as long each time.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// An address without a wrong key for this long starts anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// Addresses and names remembered. A further one pushes out the one that has been quiet longest.
const MOST_ADDRESSES: usize = 1024;

#[derive(Default)]
pub(crate) struct Attempts {
    wrong: HashMap<Origin, Wrong>,
}

/// What is slowed down.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// An IPv4 address, an IPv6 /64 (what one customer gets), or unknown.
    Address(Option<IpAddr>),
    /// A person, from wherever; whether there is one does not matter.
    Name(String),
}

struct Wrong {
    times: u32,
    last: Instant,
}

impl Origin {
    pub(crate) fn of(address: Option<IpAddr>) -> Self {
        Self::Address(address.map(|address| match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        }))
    }
}

impl Wrong {
    fn wait(&self) -> Duration {
        FIRST_WAIT.saturating_mul(1 << (self.times - 1).min(16)).min(LONGEST_WAIT)
    }
}

impl Attempts {
    /// `Err`: how long this address has to wait before the next key is looked at.
    pub(crate) fn permit(&self, now: Instant, from: &Origin) -> Result<(), Duration> {
        let Some(wrong) = self.wrong.get(from) else { return Ok(()) };
        let left = (wrong.last + wrong.wait()).saturating_duration_since(now);
        if left.is_zero() { Ok(()) } else { Err(left) }
    }

    pub(crate) fn wrong(&mut self, now: Instant, from: &Origin) {
        self.wrong.retain(|_, wrong| now.saturating_duration_since(wrong.last) < FORGOTTEN_AFTER);
        if self.wrong.len() >= MOST_ADDRESSES && !self.wrong.contains_key(from) {
            let quiet =
                self.wrong.iter().min_by_key(|(_, wrong)| wrong.last).map(|(origin, _)| origin.clone());
            quiet.map(|origin| self.wrong.remove(&origin));
        }
        let wrong = self.wrong.entry(from.clone()).or_insert(Wrong { times: 0, last: now });
        wrong.times = wrong.times.saturating_add(1);
        wrong.last = now;
    }

    pub(crate) fn right(&mut self, from: &Origin) {
        self.wrong.remove(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::of(Some(text.parse().unwrap()))
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_forgotten() {
        let (mut attempts, mut now, from) = (Attempts::default(), Instant::now(), origin("192.0.2.1"));
        assert_eq!(attempts.permit(now, &from), Ok(()));
        for expected in [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
            attempts.wrong(now, &from);
            let wait = Duration::from_millis(expected);
            assert_eq!(attempts.permit(now, &from), Err(wait));
            now += wait;
            assert_eq!(attempts.permit(now, &from), Ok(()));
        }
        now += FORGOTTEN_AFTER;
        attempts.wrong(now, &from);
        assert_eq!(attempts.permit(now, &from), Err(FIRST_WAIT));
        attempts.right(&from);
        assert_eq!(attempts.permit(now, &from), Ok(()));
    }

    #[test]
    fn one_address_does_not_slow_down_another_and_the_table_is_bounded() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        attempts.wrong(now, &origin("2001:db8:1:1::5"));
        assert!(attempts.permit(now, &origin("2001:db8:1:1::6")).is_err(), "the same /64");
        assert!(attempts.permit(now, &origin("2001:db8:1:2::5")).is_ok());
        assert!(attempts.permit(now, &Origin::of(None)).is_ok());
        attempts.wrong(now, &Origin::Name("alice".into()));
        assert!(attempts.permit(now, &Origin::Name("alice".into())).is_err());
        assert!(attempts.permit(now, &Origin::Name("bob".into())).is_ok());
        for address in 0..2 * MOST_ADDRESSES as u32 {
            attempts.wrong(now, &Origin::of(Some(IpAddr::V4(address.into()))));
        }
        assert_eq!(attempts.wrong.len(), MOST_ADDRESSES);
    }
}
