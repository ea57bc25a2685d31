//! All data connections of one tunnel that are open, so that they can be closed at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Notify;

use super::link::{Keeper, Link, Owner, Traffic};

/// Keeps the links of one tunnel, and takes new ones.
pub(crate) trait Stock: Keeper {
    fn links(&self) -> &Links;
    /// A link that was made now. `false`: it is not wanted any more.
    fn add(&self, link: Arc<Link>) -> bool;
}

/// What a new link of `stock` belongs to.
pub(super) fn owner<S: Stock + 'static>(stock: &Arc<S>) -> Owner {
    let keeper: Arc<dyn Keeper> = stock.clone();
    Owner { keeper: Arc::downgrade(&keeper), traffic: stock.links().traffic.clone() }
}

/// Data connections of one tunnel, idle or in use.
const LINKS_MAX: usize = 4096;

#[derive(Default)]
pub(crate) struct Links {
    /// `None`: closed.
    open: Mutex<Option<BTreeMap<u64, Weak<Link>>>>,
    next_id: AtomicU64,
    traffic: Arc<Traffic>,
    lost: Notify,
}

impl Links {
    pub(super) fn new() -> Self {
        Self { open: Mutex::new(Some(BTreeMap::new())), ..Self::default() }
    }

    fn open(&self) -> MutexGuard<'_, Option<BTreeMap<u64, Weak<Link>>>> {
        self.open.lock().expect("no panic while held")
    }

    pub(super) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(super) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn count(&self) -> usize {
        self.open().as_ref().map_or(0, BTreeMap::len)
    }

    /// Whether one more may be opened.
    pub(super) fn has_room(&self) -> bool {
        self.open().as_ref().is_some_and(|open| open.len() < LINKS_MAX)
    }

    /// `false`: it is not wanted any more.
    pub(super) fn add(&self, link: &Arc<Link>) -> bool {
        let mut open = self.open();
        let Some(open) = open.as_mut().filter(|open| open.len() < LINKS_MAX) else { return false };
        open.insert(link.id(), Arc::downgrade(link));
        true
    }

    pub(super) fn remove(&self, id: u64) {
        if let Some(open) = self.open().as_mut() {
            open.remove(&id);
        }
        self.lost.notify_one();
    }

    /// Waits until a link may be gone.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.open().is_none()
    }

    /// Breaks all of them, also those in use.
    pub(super) fn close(&self) {
        let open = self.open().take().unwrap_or_default();
        open.values().filter_map(Weak::upgrade).for_each(|link| link.kill());
    }
}
