//! The data connections of one tunnel on the side that begins streams: which are idle, and who waits for one.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::demand::Demand;
use super::link::{Keeper, Link};
use super::links::{Links, Stock};
use crate::error::OpenError;

pub(crate) struct Pool {
    links: Links,
    state: Mutex<State>,
    came: Notify,
}

struct State {
    idle: Vec<Arc<Link>>,
    demand: Demand,
}

impl Pool {
    pub(super) fn new() -> Arc<Self> {
        let state = State { idle: Vec::new(), demand: Demand::new(Instant::now()) };
        Arc::new(Self { links: Links::new(), state: Mutex::new(state), came: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// An idle link, of the caller's shard if there is one; and how many more to ask for.
    fn take(&self) -> (Option<Arc<Link>>, usize) {
        let here = Handle::try_current().ok().map(|handle| handle.id());
        let mut broken = Vec::new();
        let mut state = self.state();
        let link = loop {
            let near = state.idle.iter().rposition(|link| Some(link.home().handle().id()) == here);
            let link = near.map(|at| state.idle.remove(at)).or_else(|| state.idle.pop());
            match link {
                Some(link) if !link.stands() => broken.push(link),
                other => break other,
            }
        };
        let idle = state.idle.len();
        let more = state.demand.taken(idle, Instant::now());
        // Dropped links tell `links`, so not under the lock.
        drop(state);
        (link, more)
    }

    /// Whoever waited and took one wakes the next: of two that come at once only one is remembered.
    fn pass_on(&self) {
        if !self.state().idle.is_empty() {
            self.came.notify_one();
        }
    }

    /// Closes what broke and what nobody needed for a while.
    pub(super) fn tend(&self) {
        let mut state = self.state();
        let (standing, broken): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.idle).into_iter().partition(|link| link.stands());
        state.idle = standing;
        let idle = state.idle.len();
        let surplus = state.demand.surplus(idle, Instant::now());
        let needless: Vec<_> = state.idle.drain(..surplus.min(idle)).collect();
        drop(state);
        drop((needless, broken));
    }

    /// Closes all links, also those in use.
    pub(super) fn close(&self) {
        self.links.close();
        let idle = std::mem::take(&mut self.state().idle);
        drop(idle);
    }
}

/// An idle link; more are asked for by `ask` when they run low, and waited for at most `wait` when there is none.
pub(super) async fn take(pool: &Pool, wait: Duration, ask: impl Fn(u16)) -> Result<Arc<Link>, OpenError> {
    let take = || {
        let (link, more) = pool.take();
        if let Ok(count @ 1..) = u16::try_from(more) {
            ask(count);
        }
        link
    };
    if let Some(link) = take() {
        return Ok(link);
    }
    let waiting = async {
        loop {
            pool.came.notified().await;
            if let Some(link) = take() {
                pool.pass_on();
                return link;
            }
        }
    };
    tokio::time::timeout(wait, waiting).await.map_err(|_| OpenError::Timeout(wait))
}

impl Stock for Pool {
    fn links(&self) -> &Links {
        &self.links
    }

    fn add(&self, link: Arc<Link>) -> bool {
        if !self.links.add(&link) {
            return false;
        }
        self.state().demand.came();
        self.idle(link);
        true
    }
}

impl Keeper for Pool {
    fn idle(&self, link: Arc<Link>) {
        let mut state = self.state();
        if !self.links.is_closed() {
            state.idle.push(link);
            drop(state);
            self.came.notify_one();
        }
    }

    fn gone(&self, id: u64) {
        self.links.remove(id);
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} idle of {})", self.state().idle.len(), self.links.count())
    }
}
