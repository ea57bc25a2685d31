//! What a run took of the machine that it ran on: no part of its outcome, because no two runs are alike in that.

use std::time::Duration;

use serde::Serialize;

/// Time and memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Seconds of real time.
    pub took: f64,
    /// Seconds of simulated time, and what the process had resident then: bytes. The first is before any host started.
    pub memory: Vec<(f64, u64)>,
}

/// What one more of something takes of all hosts together, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Each {
    /// With its tunnels, at the node and at the gateways.
    pub node: Option<u64>,
    /// With its connection, at the person, the gateway and the node.
    pub stream: Option<u64>,
}

/// Fewer are lost in what a process takes anyway.
const MANY: u64 = 100;

impl Cost {
    /// Notes what is resident now.
    pub(crate) fn note(&mut self, simulated: Duration, resident: u64) {
        self.memory.push((simulated.as_secs_f64(), resident));
    }

    pub fn peak(&self) -> u64 {
        self.memory.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default()
    }

    /// `nodes` started before `work`, and opened `streams` before `fault`; times since the start of the plan.
    pub fn each(&self, nodes: u64, work: Duration, streams: u64, fault: Duration) -> Each {
        let before = |at: Duration| {
            let earlier = self.memory.iter().take_while(|(time, _)| *time <= at.as_secs_f64());
            earlier.last().map_or(0, |(_, bytes)| *bytes)
        };
        let (empty, idle, busy) = (before(Duration::ZERO), before(work), before(fault));
        let share = |more: u64, of: u64| (of >= MANY).then(|| more / of);
        Each {
            node: share(idle.saturating_sub(empty), nodes),
            stream: share(busy.saturating_sub(idle), streams),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_takes_is_the_difference_between_two_times() {
        let mut cost = Cost::default();
        for (second, bytes) in
            [(0, 1_000), (1, 60_000), (10, 101_000), (19, 110_000), (30, 301_000), (40, 900_000)]
        {
            cost.note(Duration::from_secs(second), bytes);
        }
        let s = Duration::from_secs;
        assert_eq!(cost.each(100, s(10), 1000, s(30)), Each { node: Some(1_000), stream: Some(200) });
        assert_eq!(cost.each(99, s(10), 0, s(30)), Each::default());
        assert_eq!(cost.peak(), 900_000);
    }
}
