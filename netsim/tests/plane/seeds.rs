//! Random faults of members, managers, ways and the store, by seed.

use std::time::Duration;

use cluster::membership::{BEAT_EVERY, LATE_AFTER, LOST_AFTER, Standing};
use jiff::SignedDuration;
use rand::RngExt;

use super::stage::{MANAGERS, Stage, simulate};

const MEMBERS: usize = 12;
const FAULTS: usize = 25;
/// Also for a process that seems older than the one before it, and for settings that are asked for again.
const SETTLED: Duration = LOST_AFTER.saturating_add(BEAT_EVERY).saturating_add(LATE_AFTER);

/// What a run did, as far as it must be known afterwards.
#[derive(Debug, Default)]
struct Story {
    told: Vec<String>,
    left: Vec<usize>,
    /// Values of the setting that may be the last one.
    drain_times: Vec<u64>,
}

#[test]
fn managers_agree_and_are_right_after_any_faults() {
    let seeds = std::env::var("SEEDS").map_or(30, |seeds| seeds.parse().expect("a number"));
    let first = std::env::var("FIRST").map_or(0, |first| first.parse().expect("a number"));
    for seed in first..first + seeds {
        simulate(async move {
            let mut stage = Stage::set(MEMBERS, seed).await;
            let mut story = Story { drain_times: vec![stage.drain_times()[0]], ..Story::default() };
            for _ in 0..FAULTS {
                fault(&mut stage, &mut story).await;
                let pause = stage.dice.random_range(0..30_000);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            end(&mut stage).await;
            judge(&stage, &story).await.unwrap_or_else(|wrong| {
                panic!(
                    "{wrong}\n{:#?}\nagain: FIRST={seed} SEEDS=1 cargo test -p netsim --test plane",
                    story.told
                )
            });
        });
    }
}

async fn fault(stage: &mut Stage, story: &mut Story) {
    let member = stage.dice.random_range(0..MEMBERS);
    let manager = stage.dice.random_range(0..MANAGERS);
    let (from, what) = (stage.dice.random_range(0..MEMBERS), stage.dice.random_range(0..12));
    story.told.push(format!("{what}: member {member}, manager {manager}, from {from}"));
    let (runs, manages) = (stage.members[member].is_some(), stage.managers[manager].is_some());
    match what {
        0 => stage.cut(from..MEMBERS),
        1 | 2 => stage.mend(0..MEMBERS),
        3 if runs => stage.kill(member),
        4 if runs => {
            story.left.push(member);
            stage.leave(member).await;
        }
        3..=5 => {
            let skew = SignedDuration::from_secs(stage.dice.random_range(-9000..9000));
            stage.start(member, skew);
        }
        6 if manages => stage.kill_manager(manager),
        6 | 7 => stage.start_manager(manager).await,
        8 if manages => stage.managers[manager].as_ref().expect("it runs").port.cut(),
        8 | 9 => stage.managers.iter().flatten().for_each(|manager| manager.port.mend()),
        10 => stage.store.fail(from < MEMBERS / 2),
        _ if runs => {
            let seconds = 1000 + u64::try_from(story.told.len()).unwrap();
            stage.work(member, stage.dice.clone().random_range(1..99));
            match stage.edit(member, seconds).await {
                Ok(()) => story.drain_times = vec![seconds],
                // It may have been done.
                Err(_) => story.drain_times.push(seconds),
            }
        }
        _ => {}
    }
}

/// Everything works again, and all have had the time to notice.
async fn end(stage: &mut Stage) {
    stage.store.fail(false);
    stage.mend(0..MEMBERS);
    for manager in 0..MANAGERS {
        match &stage.managers[manager] {
            Some(running) => running.port.mend(),
            None => stage.start_manager(manager).await,
        }
    }
    tokio::time::sleep(SETTLED).await;
}

async fn judge(stage: &Stage, story: &Story) -> Result<(), String> {
    for list in stage.told().await {
        if list.len() != MEMBERS {
            return Err(format!("{} servers are listed", list.len()));
        }
        for (index, member) in stage.members.iter().enumerate() {
            let name = format!("node-{index}");
            let listed = list.iter().find(|listed| listed.server.server_id.as_str() == name);
            let listed = listed.ok_or_else(|| format!("{name} is not listed"))?;
            let right = match (member, listed.standing) {
                (Some(member), Standing::Alive) => {
                    listed.server.sessions == member.sessions.load(std::sync::atomic::Ordering::Relaxed)
                }
                // Its last word may not have been heard, nor the next process that was killed after it.
                (None, Standing::Left) => story.left.contains(&index),
                (None, Standing::Lost) => true,
                _ => false,
            };
            if !right {
                return Err(format!(
                    "{name} is {:?} with {} sessions",
                    listed.standing, listed.server.sessions
                ));
            }
        }
    }
    let times = stage.drain_times();
    let first = times.first().copied().unwrap_or(story.drain_times[0]);
    if times.iter().any(|time| *time != first) || !story.drain_times.contains(&first) {
        return Err(format!("settings: {times:?} of {:?}", story.drain_times));
    }
    Ok(())
}
