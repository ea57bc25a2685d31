//! What happens when: hosts that start, and the plan's faults.

use std::time::Duration;

use super::error::RunError;
use super::hosts::Hosts;
use super::people::spread;
use crate::plan::{HostId, Plan, Step, Topology};

#[derive(Debug)]
pub(super) enum Due {
    Start(HostId),
    Fault(Step),
}

/// Ascending; hosts of one time in the order of the plan, and before faults.
pub(super) fn agenda(plan: &Plan, topology: &Topology) -> Vec<(Duration, Due)> {
    let start = |host| (spread(topology.host(plan, host).starts_over), Due::Start(host));
    let fault = |step: Step| (step.at, Due::Fault(step));
    let mut all: Vec<_> = topology.hosts().map(start).chain(plan.steps().into_iter().map(fault)).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

impl Hosts {
    pub(super) async fn act(&mut self, due: &Due) -> Result<(), RunError> {
        match due {
            Due::Start(host) => self.start(*host).await,
            Due::Fault(step) => self.happen(step).await,
        }
    }
}
