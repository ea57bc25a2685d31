//! Keeps last words in the store.

use std::sync::Arc;
use std::time::Duration;

use cluster::Name;
use cluster::server::Listed;
use cluster::store::{Expect, Key, Revision, Store, StoreError, Write};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{SERVERS, Shared};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Writes one after another before it is looked again; a thousand that join at once take seconds.
const MAX_WRITES: usize = 200;
/// After the store failed.
const AGAIN: Duration = Duration::from_secs(5);

pub(super) async fn keep(shared: Arc<Shared>) {
    loop {
        // Two managers do not look in the same moment, so that mostly one of them writes.
        tokio::time::sleep(LOOK_EVERY.mul_f64(rand::random_range(0.8..1.2))).await;
        if !shared.store.link().is_up() {
            // What is there must be known before it is replaced; and a store that failed is given time.
            tokio::time::sleep(AGAIN).await;
        }
        let now = (Instant::now().into_std(), Timestamp::now());
        let worth = shared.look(|table, members| table.worth_keeping(members, now, MAX_WRITES));
        for (name, listed, replaced) in worth {
            if !write(&shared, name, listed, replaced).await {
                break;
            }
        }
    }
}

/// Says whether the store is there.
async fn write(shared: &Shared, name: Name, listed: Listed, replaced: Option<Revision>) -> bool {
    let key = Key { collection: Name::new(SERVERS).expect("letters are a name"), id: name.clone() };
    let body = serde_json::to_value(&listed).ok();
    let expect = replaced.map_or(Expect::Absent, Expect::Revision);
    let write = Write { key: key.clone(), expect, by: shared.me.to_string(), body };
    match shared.store.write(write).await {
        Ok(revision) => {
            shared.table().remember(name, listed, revision);
            true
        }
        // Another manager was first.
        Err(StoreError::Conflict { .. }) => {
            match shared.store.get(&key).await {
                Ok(Some(document)) => super::take(shared, document),
                Ok(None) => super::forget(shared, &key),
                Err(_) => return false,
            }
            true
        }
        Err(_) => false,
    }
}
