//! A function that is killed again and again does not run for a while.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::function::Function;

/// So many kills …
pub(super) const KILLS: usize = 3;
/// … within this time …
pub(super) const WITHIN: Duration = Duration::from_secs(60);
/// … and it pauses for this long. Then one more kill makes it pause again.
pub(super) const PAUSE: Duration = Duration::from_secs(60);
/// Functions that are remembered: as many as two chains of the longest have, and their trials.
const MAX_KNOWN: usize = 256;

/// Kills, by source: a changed script begins anew.
#[derive(Debug, Default)]
pub struct Breaker(HashMap<u64, Record>);

#[derive(Debug)]
struct Record {
    name: String,
    kills: Vec<Instant>,
    paused: Option<Instant>,
}

/// A function that may not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    pub function: String,
    pub seconds_left: u64,
}

impl Breaker {
    pub fn trusts(&self, function: &Function, now: Instant) -> bool {
        self.0.get(&key(function)).is_none_or(|record| record.left(now).is_none())
    }

    /// After each call; says whether the pause begins now.
    pub fn heard(&mut self, function: &Function, killed: bool, now: Instant) -> bool {
        let key = key(function);
        if !killed {
            self.0.remove(&key);
            return false;
        }
        if self.0.len() >= MAX_KNOWN && !self.0.contains_key(&key) {
            self.0.retain(|_, record| record.left(now).is_some());
        }
        let fresh = || Record { name: function.name.clone(), kills: Vec::new(), paused: None };
        let record = self.0.entry(key).or_insert_with(fresh);
        record.kills.retain(|kill| now.duration_since(*kill) < WITHIN);
        record.kills.push(now);
        // After a pause it is on probation.
        let begins = record.kills.len() >= KILLS || record.paused.is_some();
        if begins {
            record.paused = Some(now);
            record.kills.clear();
        }
        begins
    }

    pub fn alarms(&self, now: Instant) -> Vec<Alarm> {
        let alarm = |record: &Record| {
            record
                .left(now)
                .map(|left| Alarm { function: record.name.clone(), seconds_left: left.as_secs() + 1 })
        };
        self.0.values().filter_map(alarm).collect()
    }
}

impl Record {
    fn left(&self, now: Instant) -> Option<Duration> {
        let left = PAUSE.checked_sub(now.duration_since(self.paused?))?;
        (!left.is_zero()).then_some(left)
    }
}

fn key(function: &Function) -> u64 {
    let mut hasher = DefaultHasher::new();
    function.source.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_kills_in_a_minute_are_a_pause_and_then_one_is() {
        let (bad, good) = (Function::new("bad", "for(;;);"), Function::new("good", "1"));
        let (mut breaker, began) = (Breaker::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        assert!(!breaker.heard(&bad, true, at(0)));
        assert!(!breaker.heard(&bad, true, at(61)), "the first one is forgotten");
        assert!(!breaker.heard(&bad, true, at(62)));
        assert!(breaker.trusts(&bad, at(62)) && breaker.alarms(at(62)).is_empty());
        assert!(breaker.heard(&bad, true, at(63)));
        assert!(!breaker.trusts(&bad, at(122)) && breaker.trusts(&good, at(63)));
        assert_eq!(breaker.alarms(at(63)), [Alarm { function: "bad".into(), seconds_left: 61 }]);
        assert!(breaker.trusts(&bad, at(123)));
        assert!(breaker.heard(&bad, true, at(124)), "on probation");
        assert!(!breaker.heard(&bad, false, at(190)));
        assert!(!breaker.heard(&bad, true, at(191)), "one good run clears it");
    }
}
