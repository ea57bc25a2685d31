//! Simulated time: tokio's paused clock, moved on to the next event of the network when nobody has anything to do.
//!
//! The runtime moves its clock by itself from timer to timer, in whole milliseconds. Packets need finer steps, so while
//! the next event is near, the clock is moved to exactly its time as soon as the runtime would sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::wire::Wire;

/// The runtime's timers come up to a millisecond late, so a nearer event is waited for step by step.
const NEAR: Duration = Duration::from_millis(2);

/// Tells when every task of the runtime waits.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    asked: AtomicBool,
    told: Notify,
}

impl Idle {
    /// For the runtime: called before it sleeps.
    pub(crate) fn parked(&self) {
        if self.asked.swap(false, Ordering::Relaxed) {
            self.told.notify_one();
        }
    }

    pub(super) async fn wait(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.told.notified().await;
    }
}

/// Delivers packets in their time, for ever.
pub(crate) async fn drive(wire: Arc<Wire>, idle: Arc<Idle>) {
    loop {
        wire.deliver();
        let Some(ahead) = wire.ahead() else {
            wire.sooner().notified().await;
            continue;
        };
        if ahead >= NEAR {
            let near = Duration::from_millis(u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX) - 1);
            tokio::select! {
                biased;
                () = wire.sooner().notified() => {}
                () = tokio::time::sleep(near) => {}
            }
            continue;
        }
        idle.wait().await;
        wire.flush();
        // What went out may come sooner; and to an event that is far the clock must not leap over the timers before it.
        if let Some(ahead) = wire.ahead().filter(|ahead| !ahead.is_zero() && *ahead < NEAR) {
            tokio::time::advance(ahead).await;
        }
    }
}
