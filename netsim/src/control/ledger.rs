//! What an observer sees of the servers, and how long it took to be right: pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cluster::membership::Standing;

use crate::outcome::{Absence, Control};

/// Kept while a plan runs.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Who runs and can reach the broker.
    there: BTreeSet<String>,
    /// Who does not any more, and the number of that absence.
    gone: BTreeMap<String, usize>,
    /// A fault of broker, store or managers was undone then, and not all servers have been seen since.
    mended: Option<Duration>,
    outcome: Control,
}

impl Ledger {
    pub fn came(&mut self, server: &str, now: Duration) {
        self.there.insert(server.to_owned());
        if let Some(index) = self.gone.remove(server) {
            self.outcome.absences[index].until = Some(now);
        }
    }

    pub fn went(&mut self, server: &str, now: Duration) {
        if self.there.remove(server) {
            self.gone.insert(server.to_owned(), self.outcome.absences.len());
            let absence = Absence { server: server.to_owned(), from: now, until: None, lost: None };
            self.outcome.absences.push(absence);
        }
    }

    pub fn mended(&mut self, now: Duration) {
        self.mended = Some(now);
        self.outcome.recoveries.push((now, None));
    }

    /// All updates that have come to the broker so far.
    pub fn updates(&mut self, now: Duration, so_far: usize) {
        self.outcome.updates.push((now, so_far));
    }

    /// What a manager says now.
    pub fn seen(&mut self, now: Duration, listed: &BTreeMap<String, Standing>) {
        for (server, index) in &self.gone {
            let absence = &mut self.outcome.absences[*index];
            if listed.get(server) == Some(&Standing::Lost) && absence.lost.is_none() {
                absence.lost = Some(now);
            }
        }
        let all = self.there.iter().all(|server| listed.get(server) == Some(&Standing::Alive));
        if all && self.mended.take().is_some() {
            self.outcome.recoveries.last_mut().expect("it was mended").1 = Some(now);
        }
    }

    pub fn outcome(&self) -> &Control {
        &self.outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absences_and_recoveries_are_seen_once_and_from_their_beginning() {
        let (mut ledger, s) = (Ledger::default(), Duration::from_secs);
        let listed = |standings: &[(&str, Standing)]| {
            standings.iter().map(|(server, standing)| ((*server).to_owned(), *standing)).collect()
        };
        ledger.came("a", s(0));
        ledger.came("b", s(0));
        ledger.went("b", s(10));
        ledger.went("b", s(11));
        ledger.seen(s(20), &listed(&[("a", Standing::Alive), ("b", Standing::Alive)]));
        ledger.seen(s(40), &listed(&[("a", Standing::Alive), ("b", Standing::Lost)]));
        ledger.seen(s(41), &listed(&[("a", Standing::Alive), ("b", Standing::Lost)]));
        ledger.came("b", s(50));
        ledger.mended(s(60));
        ledger.seen(s(61), &listed(&[("a", Standing::Alive), ("b", Standing::Late)]));
        ledger.seen(s(64), &listed(&[("a", Standing::Alive), ("b", Standing::Alive)]));
        ledger.seen(s(65), &listed(&[("a", Standing::Alive), ("b", Standing::Alive)]));
        let b = Absence { server: "b".into(), from: s(10), until: Some(s(50)), lost: Some(s(40)) };
        assert_eq!(ledger.outcome().absences, [b]);
        assert_eq!(ledger.outcome().recoveries, [(s(60), Some(s(64)))]);
    }
}
