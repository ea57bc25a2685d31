//! Reconnects are spread: no second of a storm sees more than a share of all tunnels.

use std::time::Duration;

use super::Outcome;
use super::absence::nodes;
use crate::plan::{Plan, Topology};

/// Of the tunnels that nodes want to one gateway, at most so many are dialled in one second after a fault: measured are
/// 30 to 59 % (docs/simulation.md, "Values"), and it was 88 % when waits began at 200 ms and doubled.
const SHARE: f64 = 0.65;
/// A node that carries streams keeps so many to each gateway, on a machine with one or two cores.
const STRIPES: usize = 2;
/// Chance: so many standard deviations of a count, and so few dials that are no storm.
const DEVIATIONS: f64 = 4.0;
const FEW: f64 = 10.0;

/// The most dials in one second among so many tunnels.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count"
)]
fn most(tunnels: usize) -> u64 {
    let mean = tunnels as f64 * SHARE;
    (mean + DEVIATIONS * mean.sqrt() + FEW) as u64
}

/// Tells of seconds in which more were dialled than may be, after the first fault: before, a plan may start all at once.
pub(crate) fn crowded(plan: &Plan, outcome: &Outcome) -> Vec<(Duration, String)> {
    let Some(fault) = plan.faults.iter().map(|fault| fault.at.as_secs()).min() else { return Vec::new() };
    let stripes = if plan.work.is_empty() { 1 } else { STRIPES };
    let most = most(nodes(plan, &Topology::new(plan)).len() * stripes);
    let seconds = outcome
        .dials_of
        .iter()
        .flat_map(|(gateway, dials)| (0..).zip(dials).map(move |dial| (gateway, dial)));
    seconds
        .filter(|(_, (second, count))| *second >= fault && **count > most)
        .map(|(gateway, (second, count))| {
            let detail = format!("{count} tunnels dialled to {gateway} in a second, of at most {most}");
            (Duration::from_secs(second), detail)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::parse;

    #[test]
    fn a_herd_is_found_and_a_few_are_not() {
        let plan = |count: u32| {
            let text = format!(
                "title = \"t\"\nlength = \"60s\"\n[[host]]\nname = \"gw\"\nrole = \"gateway\"\n\
                 [[host]]\nname = \"node\"\nrole = \"node\"\ncount = {count}\n\
                 [[fault]]\nat = \"10s\"\ndo = {{ restart = \"gw\" }}"
            );
            parse("t.toml".as_ref(), &text).unwrap()
        };
        let seen = |count: u32, dials: &[u64]| {
            let plan = plan(count);
            let mut outcome = Outcome::new(&plan, 1);
            outcome.dials_of.insert("gw".into(), dials.to_vec());
            crowded(&plan, &outcome).len()
        };
        let all_at_the_start = [[2000; 1].as_slice(), &[0; 9]].concat();
        assert_eq!(seen(1000, &all_at_the_start), 0);
        assert_eq!(seen(1000, &[all_at_the_start.as_slice(), &[650, 350]].concat()), 0);
        assert_eq!(seen(1000, &[all_at_the_start.as_slice(), &[880, 120]].concat()), 1);
        assert_eq!(seen(2, &[&[0; 10][..], &[9]].concat()), 0, "few may come together");
    }
}
