//! What a run of a plan showed: measured over time, events, invariants that did not hold. The world fills it in; the
//! report draws it; [`judge`] compares it with what the plan expects.
//!
//! Every time is a duration since the start of the plan, in simulated time. Two runs of one plan with one seed have
//! equal outcomes, but for the control plane: its members spread their answers by the process's own randomness.

mod absence;
mod control;
mod cost;
mod event;
mod judge;
mod latency;
pub mod recovery;
mod series;
pub(crate) mod storm;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};

pub use control::{Absence, Control};
pub use cost::{Cost, Each};
pub use event::{Event, What};
pub use judge::{Verdict, judge};
pub use latency::Latencies;
pub use recovery::Recovery;
pub use series::{Quantity, Samples, Series};
pub use work::WorkOutcome;

use crate::plan::Plan;

/// What a run showed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub title: String,
    pub seed: u64,
    /// How much time passed; less than the plan's length when the run ended early.
    #[serde(serialize_with = "seconds")]
    pub length: Duration,
    /// Of all that happened in the network, in its order; equal for equal seeds.
    #[serde(serialize_with = "hex")]
    pub trace: u64,
    /// One for each of the plan's works, in its order.
    pub work: Vec<WorkOutcome>,
    pub series: Samples,
    /// Ascending in time.
    pub events: Vec<Event>,
    /// Tunnels that were dialled in each second since the start, by all nodes together.
    pub dials: Vec<u64>,
    /// The same for each gateway.
    pub dials_of: BTreeMap<String, Vec<u64>>,
    /// For each node, how many tunnels it had from a time on; ascending in time. A node that never had one has none.
    #[serde(serialize_with = "counts")]
    pub tunnels: BTreeMap<String, Vec<(Duration, usize)>>,
    pub packets: Packets,
    /// Of a plan with a control plane.
    pub control: Option<Control>,
    /// Invariants that did not hold; a good run has none.
    pub violations: Vec<Violation>,
}

/// What became of packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packets {
    pub sent: u64,
    pub arrived: u64,
    /// By reason: `queue full`, `lost`, `link cut`, `too big`, `nat`, `firewall`, `damaged`, …
    pub dropped: BTreeMap<String, u64>,
}

/// Something that must never happen did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    #[serde(serialize_with = "seconds")]
    pub at: Duration,
    /// The invariant, in a few words.
    pub invariant: String,
    /// What was seen.
    pub detail: String,
}

impl Outcome {
    /// Of a run that has seen nothing yet.
    pub fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            title: plan.title.clone(),
            seed,
            length: plan.length,
            trace: 0,
            work: plan.work.iter().map(WorkOutcome::new).collect(),
            series: Samples::default(),
            events: Vec::new(),
            dials: Vec::new(),
            dials_of: BTreeMap::new(),
            tunnels: BTreeMap::new(),
            packets: Packets::default(),
            control: None,
            violations: Vec::new(),
        }
    }

    /// The work of this name.
    pub fn work(&self, name: &str) -> Option<&WorkOutcome> {
        self.work.iter().find(|work| work.name == name)
    }

    /// Adds a sample; times of one series ascend.
    pub fn sample(&mut self, quantity: Quantity, of: &str, at: Duration, value: f64) {
        self.series.add(quantity, of, at, value);
    }

    /// The events' time ascends.
    pub fn event(&mut self, at: Duration, what: What, host: &str, text: impl Into<String>) {
        self.events.push(Event { at, what, host: host.to_owned(), text: text.into() });
    }

    /// A node has `count` tunnels from now on.
    pub fn tunnels(&mut self, at: Duration, node: &str, count: usize) {
        self.tunnels.entry(node.to_owned()).or_default().push((at, count));
    }

    /// Something happened that must not.
    pub(crate) fn violated(&mut self, at: Duration, invariant: &str, detail: &str) {
        let (invariant, detail) = (invariant.to_owned(), detail.to_owned());
        self.violations.push(Violation { at, invariant, detail });
    }

    /// A node dials a gateway.
    pub fn dial(&mut self, at: Duration, gateway: &str) {
        let second = usize::try_from(at.as_secs()).expect("a plan has at most 24 h");
        if !self.dials_of.contains_key(gateway) {
            self.dials_of.insert(gateway.to_owned(), Vec::new());
        }
        for dials in self.dials_of.get_mut(gateway).into_iter().chain([&mut self.dials]) {
            if dials.len() <= second {
                dials.resize(second + 1, 0);
            }
            dials[second] += 1;
        }
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

fn hex<S: Serializer>(hash: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{hash:016x}"))
}

fn counts<S: Serializer>(
    nodes: &BTreeMap<String, Vec<(Duration, usize)>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let point = |(at, count): &(Duration, usize)| (at.as_secs_f64(), *count);
    serializer
        .collect_map(nodes.iter().map(|(node, counts)| (node, counts.iter().map(point).collect::<Vec<_>>())))
}

#[cfg(test)]
mod tests;
