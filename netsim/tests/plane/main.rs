//! The shipped control plane (members, managers, settings) in simulated time, over a broker and a store in memory.
//!
//! Unlike the data plane, the same seed is not the same run to the last packet: what spreads answers over a second is drawn
//! from the process's own randomness. The faults are the same.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod seeds;
mod stage;

use std::time::Duration;

use cluster::membership::{BEAT_EVERY, LATE_AFTER, LOST_AFTER, Standing};
use jiff::SignedDuration;
use netsim::control::NOTICE;

use crate::stage::{HOUR, Stage, simulate};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn joins_losses_and_last_words_are_seen_in_time() {
    simulate(async {
        let mut stage = Stage::set(40, 7).await;
        tokio::time::sleep(2 * SECOND).await;
        stage.all_are(0..40, Standing::Alive).await;
        stage.cut(0..20);
        // Nobody spoke later than that, and somebody just before it.
        tokio::time::sleep(LATE_AFTER - BEAT_EVERY - SECOND).await;
        stage.all_are(0..40, Standing::Alive).await;
        tokio::time::sleep(BEAT_EVERY + 2 * SECOND).await;
        stage.all_are(0..20, Standing::Late).await;
        tokio::time::sleep(LOST_AFTER - LATE_AFTER).await;
        stage.all_are(0..20, Standing::Lost).await;
        stage.all_are(20..40, Standing::Alive).await;
        stage.mend(0..20);
        tokio::time::sleep(3 * SECOND).await;
        stage.all_are(0..40, Standing::Alive).await;
        stage.leave(39).await;
        stage.kill(38);
        tokio::time::sleep(LOST_AFTER + SECOND).await;
        stage.all_are(39..40, Standing::Left).await;
        stage.all_are(38..39, Standing::Lost).await;
        stage.all_are(0..38, Standing::Alive).await;
    });
}

#[test]
fn a_short_cut_loses_nothing_and_a_manager_that_dies_is_replaced() {
    simulate(async {
        let mut stage = Stage::set(10, 3).await;
        stage.work(4, 9);
        stage.cut(0..10);
        tokio::time::sleep(NOTICE / 2).await;
        stage.mend(0..10);
        tokio::time::sleep(BEAT_EVERY + SECOND).await;
        assert_eq!(stage.sessions(4).await, [9; 4]);
        stage.kill_manager(0);
        stage.edit(2, 77).await.expect("the other manager takes it");
        tokio::time::sleep(LOST_AFTER + SECOND).await;
        stage.all_are(0..10, Standing::Alive).await;
        stage.start_manager(0).await;
        stage.kill_manager(1);
        tokio::time::sleep(2 * SECOND).await;
        stage.all_are(0..10, Standing::Alive).await;
        assert_eq!(stage.drain_times(), [77; 10]);
    });
}

/// A machine whose clock was ahead is restarted with the right time, so its new process seems to be the older one.
#[test]
fn wrong_clocks_hide_nobody() {
    simulate(async {
        let mut stage = Stage::set(6, 5).await;
        for (member, skew) in [(0, HOUR), (1, -HOUR), (2, 24 * 365 * HOUR)] {
            stage.kill(member);
            stage.start(member, skew);
        }
        tokio::time::sleep(LATE_AFTER + BEAT_EVERY + SECOND).await;
        stage.all_are(0..6, Standing::Alive).await;
        for member in 0..3 {
            stage.kill(member);
            stage.start(member, SignedDuration::ZERO);
        }
        tokio::time::sleep(LATE_AFTER + BEAT_EVERY + SECOND).await;
        stage.all_are(0..6, Standing::Alive).await;
    });
}
