//! 300 starts in one go: `cargo test --release -p node --test many -- --ignored --nocapture` (needs 6 GB, and Xtigervnc).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use node::session::{Sessions, Wanted, Who};
use tokio::task::JoinSet;

const STARTS: usize = 300;
/// Of one start, with its wait for a turn among all the others; only guards against hanging.
const PATIENCE: Duration = Duration::from_secs(600);

/// All are up, or say why not; prints how long they took.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make nightly"]
async fn three_hundred_sessions_start_in_one_go() {
    let folder = tempfile::Builder::new().prefix("fxm").tempdir_in("/tmp").unwrap();
    let sessions = Sessions::open(folder.path(), "n1").unwrap();
    let began = Instant::now();
    let mut starts = JoinSet::new();
    for number in 0..STARTS {
        let sessions = sessions.clone();
        starts.spawn(async move {
            let geometry = "320x240".parse().unwrap();
            let wanted = Wanted { geometry, ..Wanted::program(format!("n{number}"), "exec xterm -e cat") };
            let began = Instant::now();
            let started = tokio::time::timeout(PATIENCE, sessions.start(wanted)).await.expect("an answer");
            (began.elapsed(), started)
        });
    }
    let (mut took, mut refused) = (Vec::new(), Vec::new());
    while let Some(done) = starts.join_next().await {
        match done.unwrap() {
            (time, Ok(_)) => took.push(time),
            (_, Err(error)) => refused.push(error.to_string()),
        }
    }
    let all = began.elapsed();
    took.sort_unstable();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len() - 1)).copied().unwrap();
    println!(
        "{} of {STARTS} up in {all:.1?}; from the call to the answer p50 {:.1?}, p99 {:.1?}; refused: {refused:?}",
        took.len(),
        at(50),
        at(99)
    );
    assert_eq!(sessions.count(), took.len());
    for session in sessions.list(&Who::Administrator) {
        sessions.terminate(&Who::Administrator, &session.id).await.unwrap();
    }
    assert!(refused.iter().all(|why| !why.is_empty()) && took.len() + refused.len() == STARTS);
    assert!(took.len() > STARTS / 2, "most of them are refused: {refused:?}");
}
