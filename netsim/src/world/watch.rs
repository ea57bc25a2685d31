//! What the run will be judged by, filled in while it runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::wire::Wire;
use crate::outcome::{Outcome, Violation, What};
use crate::plan::Plan;

#[derive(Debug)]
pub(crate) struct Watch {
    wire: Arc<Wire>,
    outcome: Mutex<Outcome>,
    /// Of each work: streams that work now.
    working: Vec<AtomicUsize>,
}

/// One stream works, until this is dropped.
#[derive(Debug)]
pub(crate) struct Working(Arc<Watch>, usize);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working[self.1].fetch_sub(1, Ordering::Relaxed);
    }
}

impl Watch {
    pub(crate) fn new(plan: &Plan, seed: u64, wire: &Arc<Wire>) -> Arc<Self> {
        let working = plan.work.iter().map(|_| AtomicUsize::new(0)).collect();
        Arc::new(Self { wire: wire.clone(), outcome: Mutex::new(Outcome::new(plan, seed)), working })
    }

    pub(crate) fn now(&self) -> Duration {
        self.wire.now()
    }

    pub(crate) fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().expect("no panic while held")
    }

    /// A stream of this work has begun to work.
    pub(crate) fn works(self: &Arc<Self>, work: usize) -> Working {
        self.working[work].fetch_add(1, Ordering::Relaxed);
        Working(self.clone(), work)
    }

    /// How many streams of this work do.
    pub(crate) fn working(&self, work: usize) -> usize {
        self.working[work].load(Ordering::Relaxed)
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
