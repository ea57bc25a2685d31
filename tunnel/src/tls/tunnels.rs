//! The open tunnels of a gateway, by id: what data connections may belong to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::pool::Pool;
use crate::identity::Fingerprint;

#[derive(Debug, Default)]
pub(super) struct Tunnels(Mutex<HashMap<String, Open>>);

#[derive(Debug)]
struct Open {
    key: Fingerprint,
    pool: Weak<Pool>,
}

impl Tunnels {
    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.0.lock().expect("no panic while held")
    }

    pub(super) fn register(self: &Arc<Self>, id: &str, key: &Fingerprint, pool: &Arc<Pool>) -> Registration {
        self.open().insert(id.to_owned(), Open { key: key.clone(), pool: Arc::downgrade(pool) });
        Registration { tunnels: self.clone(), id: id.to_owned() }
    }

    /// The tunnel with this id, if it is this key's.
    pub(super) fn find(&self, id: &str, key: &Fingerprint) -> Option<Arc<Pool>> {
        self.open().get(id).filter(|open| open.key == *key)?.pool.upgrade()
    }
}

/// Data connections find the tunnel until this ends or is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    tunnels: Arc<Tunnels>,
    id: String,
}

impl Registration {
    pub(super) fn end(&self) {
        self.tunnels.open().remove(&self.id);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.end();
    }
}
