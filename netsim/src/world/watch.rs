//! What the run will be judged by, filled in while it runs.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::wire::Wire;
use crate::outcome::{Outcome, Violation, What};
use crate::plan::Plan;

#[derive(Debug)]
pub(crate) struct Watch {
    wire: Arc<Wire>,
    outcome: Mutex<Outcome>,
}

impl Watch {
    pub(crate) fn new(plan: &Plan, seed: u64, wire: &Arc<Wire>) -> Arc<Self> {
        Arc::new(Self { wire: wire.clone(), outcome: Mutex::new(Outcome::new(plan, seed)) })
    }

    pub(crate) fn now(&self) -> Duration {
        self.wire.now()
    }

    pub(crate) fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().expect("no panic while held")
    }

    /// A node said hello to a gateway.
    pub(crate) fn dialled(&self) {
        let now = self.now();
        self.outcome().dial(now);
    }

    pub(crate) fn event(&self, what: What, host: &str, text: impl Into<String>) {
        let now = self.now();
        self.outcome().event(now, what, host, text);
    }

    pub(crate) fn violated(&self, invariant: &str, detail: &str) {
        let violation =
            Violation { at: self.now(), invariant: invariant.to_owned(), detail: detail.to_owned() };
        self.outcome().violations.push(violation);
    }
}
