//! What a run showed of the control plane.

use std::time::Duration;

use serde::Serialize;

/// As an observer saw it who asks a manager every second, so times are up to a second late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    /// From second to second: how many descriptions of servers had come to the broker.
    pub updates: Vec<(Duration, usize)>,
    /// In the order of their beginning.
    pub absences: Vec<Absence>,
    /// When a fault of the broker, the store or the managers was undone, and when all servers that run were shown alive.
    pub recoveries: Vec<(Duration, Option<Duration>)>,
}

/// A server that did not run, stood still, or could not reach the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Absence {
    pub server: String,
    pub from: Duration,
    /// When it came back.
    pub until: Option<Duration>,
    /// When it was shown as lost.
    pub lost: Option<Duration>,
}

impl Control {
    /// Updates in each second.
    pub fn per_second(&self) -> impl Iterator<Item = usize> + use<'_> {
        self.updates.windows(2).map(|pair| pair[1].1 - pair[0].1)
    }

    /// How long after its beginning each absence was shown; of one that never was, how long it lasted until `end`.
    pub(crate) fn unseen(&self, end: Duration) -> impl Iterator<Item = (&Absence, Duration)> {
        self.absences.iter().map(move |absence| {
            let seen = absence.lost.or(absence.until).unwrap_or(end);
            (absence, seen.saturating_sub(absence.from))
        })
    }

    /// How long after each fault's end all were shown alive; of one that never came to that, how long until `end`.
    pub(crate) fn returns(&self, end: Duration) -> impl Iterator<Item = (Duration, bool)> {
        self.recoveries
            .iter()
            .map(move |(from, back)| (back.unwrap_or(end).saturating_sub(*from), back.is_some()))
    }
}
