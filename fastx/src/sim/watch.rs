//! Says how far a simulation is: most of its time is real encryption, so it may be minutes.

use std::time::{Duration, Instant};

use netsim::plan::Plan;

/// From one line to the next.
const EVERY: Duration = Duration::from_secs(5);

/// Tells on standard error how much simulated time has passed.
#[derive(Debug)]
pub(super) struct Watch {
    begin: Instant,
    told: Instant,
    length: Duration,
}

impl Watch {
    pub(super) fn begin(plan: &Plan, seed: u64) -> Self {
        eprintln!("{}: {:?} of simulated time, seed {seed}", plan.title, plan.length);
        let now = Instant::now();
        Self { begin: now, told: now, length: plan.length }
    }

    /// `simulated` time has passed.
    pub(super) fn progress(&mut self, simulated: Duration) {
        if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let (passed, all) = (simulated.as_secs_f64(), self.length.as_secs_f64());
            eprintln!("  {:3.0}%: {passed:.1} s of {all} s", 100.0 * passed / all);
        }
    }

    pub(super) fn end(&self) {
        eprintln!("  took {:.1} s", self.begin.elapsed().as_secs_f64());
    }
}
