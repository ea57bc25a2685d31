//! What the run will be judged by, filled in while it runs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::wire::Wire;
use crate::outcome::{Outcome, What};
use crate::plan::{HostId, Plan};

#[derive(Debug)]
pub(crate) struct Watch {
    wire: Arc<Wire>,
    outcome: Mutex<Outcome>,
    /// Gateways that were told to go away, and were not started again.
    drained: Mutex<BTreeSet<HostId>>,
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
        Arc::new(Self {
            wire: wire.clone(),
            outcome: Mutex::new(Outcome::new(plan, seed)),
            drained: Mutex::default(),
            working,
        })
    }

    pub(crate) fn now(&self) -> Duration {
        self.wire.now()
    }

    pub(crate) fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().expect("no panic while held")
    }

    /// A gateway drains from now on, or not any more.
    pub(crate) fn drains(&self, gateway: HostId, now: bool) {
        let mut drained = self.drained.lock().expect("no panic while held");
        if now {
            drained.insert(gateway);
        } else {
            drained.remove(&gateway);
        }
    }

    pub(crate) fn is_drained(&self, gateway: HostId) -> bool {
        self.drained.lock().expect("no panic while held").contains(&gateway)
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
    pub(crate) fn dialled(&self, gateway: &str) {
        let now = self.now();
        self.outcome().dial(now, gateway);
    }

    pub(crate) fn event(&self, what: What, host: &str, text: impl Into<String>) {
        let now = self.now();
        self.outcome().event(now, what, host, text);
    }

    pub(crate) fn violated(&self, invariant: &str, detail: &str) {
        let now = self.now();
        self.outcome().violated(now, invariant, detail);
    }
}
