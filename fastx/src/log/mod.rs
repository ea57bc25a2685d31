//! The log: levels that change while the process runs, and its last lines for who looks at it.
//!
//! ```text
//! tracing ─▶ subscriber ─▶ standard error   as levels say
//!                       └▶ ring ─▶ routes ~node.sock~ ─▶ follow (`fastx log`)
//! ```

mod follow;
mod level;
mod levels;
mod obey;
mod ring;
mod routes;
mod subscriber;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::level_filters::LevelFilter;

pub(crate) use self::follow::follow;
pub(crate) use self::level::level;
pub(crate) use self::subscriber::start;

use self::levels::{Change, Levels};
use self::ring::{Reader, Ring};
use self::subscriber::Gate;

/// The log of this process; clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ring: Arc<Ring>,
    log_gate: Gate,
    ring_gate: Gate,
    /// And the levels of those who follow in more detail.
    state: Mutex<(Levels, Vec<LevelFilter>)>,
    changed: tokio::sync::Notify,
}

impl Log {
    /// Reverts changes when they are over. Ends never.
    pub(crate) async fn keep(self) {
        loop {
            let end = self.state().0.next_end();
            let over = async {
                match end {
                    Some(end) => tokio::time::sleep_until(end.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.0.changed.notified() => {}
                () = over => if self.update(|levels| levels.expire(Instant::now())) {
                    tracing::info!("a change of the log's level is over");
                }
            }
        }
    }

    fn change(&self, target: Option<String>, change: Change) {
        self.update(|levels| levels.change(target, change));
        self.0.changed.notify_one();
    }

    fn reset(&self) {
        self.update(Levels::reset);
        self.0.changed.notify_one();
    }

    fn update<T>(&self, act: impl FnOnce(&mut Levels) -> T) -> T {
        let mut state = self.state();
        let done = act(&mut state.0);
        self.apply(&state);
        done
    }

    /// Opens both gates as far as they should be.
    fn apply(&self, (levels, raised): &(Levels, Vec<LevelFilter>)) {
        let to_ring = match raised.iter().max() {
            Some(level) => levels.effective_and(*level),
            None => levels.effective(),
        };
        // Fails only when the subscriber is gone, and then nobody logs.
        let _gone = self.0.log_gate.reload(levels.effective());
        let _gone = self.0.ring_gate.reload(to_ring);
    }

    /// Follows from `last` lines ago. With a level the ring gets that much as long as this lives.
    fn following(&self, last: usize, level: Option<LevelFilter>) -> Following {
        if let Some(level) = level {
            let mut state = self.state();
            state.1.push(level);
            self.apply(&state);
        }
        Following { reader: self.0.ring.reader(last, level), log: self.clone(), level }
    }

    fn state(&self) -> MutexGuard<'_, (Levels, Vec<LevelFilter>)> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who follows.
#[derive(Debug)]
struct Following {
    reader: Reader,
    log: Log,
    level: Option<LevelFilter>,
}

impl Drop for Following {
    fn drop(&mut self) {
        let Some(level) = self.level else { return };
        let mut state = self.log.state();
        if let Some(place) = state.1.iter().position(|other| *other == level) {
            state.1.swap_remove(place);
        }
        self.log.apply(&state);
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
