//! When all hosts are gone, everything that they had is.

use std::sync::Arc;

use super::machine::Places;
use super::watch::Watch;
use super::wire::Wire;

/// What was there before the first host started.
#[derive(Debug)]
pub(super) struct Baseline {
    tasks: usize,
}

impl Baseline {
    pub(super) fn now(places: &Places) -> Self {
        Self { tasks: places.tasks() }
    }

    /// Long after the last host ended.
    pub(super) fn judge(&self, places: &Places, wire: &Arc<Wire>, watch: &Arc<Watch>) {
        let tasks = places.tasks();
        if tasks > self.tasks {
            let detail = format!("{tasks} instead of {} are left", self.tasks);
            watch.violated("tasks return to the baseline", &detail);
        }
        // The run itself, the world, the clock's driver and the watch hold the network, and the run the watch: who else does has
        // leaked, with all that it holds.
        let held = [(Arc::strong_count(wire), 4, "network"), (Arc::strong_count(watch), 1, "watch")];
        for (count, expected, what) in held {
            if count > expected {
                let detail = format!("{} still hold the {what}", count - expected);
                watch.violated("memory returns to the baseline", &detail);
            }
        }
        let bound = wire.state().ports.count();
        if bound > 0 {
            watch.violated("memory returns to the baseline", &format!("{bound} ports are still bound"));
        }
    }
}
