//! Who is there: every server's last update and how it stands, served to whoever asks.
//!
//! What a server said last is also kept in the store (collection `servers`), so that a lost server stays visible when
//! the managers were restarted: `{ "standing", "lastSeen", …the server object… }`.

mod keep;
mod serve;
mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cluster::membership::{Follower, Members};
use cluster::server::{Listed, REVOCATIONS, Server};
use cluster::store::{Change, Document, Key, Store, list};
use cluster::transporter::Event;
use cluster::{ControlPlane, Name, heard};
use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use self::table::Table;
use crate::watched::Watched;

/// The collection of last words. Managers tell no member of its changes: nobody there needs them, and in a large cluster
/// they would be most of what is told.
pub(crate) const SERVERS: &str = "servers";

/// Follows the fleet until it is dropped.
#[derive(Debug)]
pub(crate) struct Fleet {
    _tasks: Vec<AbortOnDropHandle<()>>,
}

/// What the tasks share.
#[derive(Debug)]
struct Shared {
    me: Name,
    store: Arc<Watched>,
    follower: Follower,
    table: Mutex<Table>,
}

impl Fleet {
    pub(crate) async fn start(plane: &ControlPlane, store: Arc<Watched>) -> Self {
        let transporter = &plane.transporter;
        let updates = transporter.subscribe(&plane.subjects.updates()).await;
        let requests = transporter.serve(&plane.subjects.fleet_requests()).await;
        let shared = Arc::new(Shared {
            me: plane.me.clone(),
            store: Arc::clone(&store),
            follower: Follower::start(Arc::clone(transporter), plane.subjects.clone()),
            table: Mutex::new(Table::new(tokio::time::Instant::now().into_std())),
        });
        let hear = hear(Arc::clone(&shared), updates, plane.subjects.clone());
        let tasks = [
            tokio::spawn(hear),
            tokio::spawn(learn(Arc::clone(&shared))),
            tokio::spawn(keep::keep(Arc::clone(&shared))),
            tokio::spawn(store.try_again(plane.me.clone())),
            tokio::spawn(serve::serve(shared, requests)),
        ];
        Self { _tasks: tasks.map(AbortOnDropHandle::new).into() }
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, look: impl FnOnce(&Table, &Members) -> T) -> T {
        let members = self.follower.members();
        let members = members.borrow();
        look(&self.table(), &members)
    }
}

/// Takes updates.
async fn hear(
    shared: Arc<Shared>,
    mut updates: cluster::transporter::Subscription,
    subjects: cluster::Subjects,
) {
    loop {
        // After a gap the follower calls the roll, and everybody describes itself again.
        let Event::Message(message) = updates.next().await else { continue };
        let Ok(server) = heard::read::<Server>(&message.payload) else { continue };
        let Ok(name) = Name::new(server.server_id.as_str()) else { continue };
        // A server may speak for itself only.
        if subjects.update(&name).as_str() == message.subject && server.fits() {
            shared.table().describe(name, server, Timestamp::now());
        }
    }
}

/// Reads what is in the store, and follows what other managers and administrators write there.
async fn learn(shared: Arc<Shared>) {
    let mut changes = shared.store.watch().await;
    loop {
        if !read_all(&shared).await {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            continue;
        }
        loop {
            match changes.next().await {
                Change::Written(document) => take(&shared, document),
                Change::Deleted { key, .. } => forget(&shared, &key),
                Change::Gap => break,
            }
        }
    }
}

async fn read_all(shared: &Shared) -> bool {
    let name = |name| Name::new(name).expect("letters are a name");
    for collection in [SERVERS, REVOCATIONS] {
        let Ok(all) = list(&*shared.store, &name(collection)).await else { return false };
        if collection == REVOCATIONS {
            shared.table().revoked(all.iter().map(|document| document.key.id.clone()).collect());
        } else {
            shared.table().kept_only(&all.iter().map(|document| document.key.id.clone()).collect());
            all.into_iter().for_each(|document| take(shared, document));
        }
    }
    true
}

/// Somebody deleted it. A server that is there comes back with its next beat.
fn forget(shared: &Shared, key: &Key) {
    shared.table().deleted(key);
    if key.collection.as_str() == SERVERS {
        shared.follower.forget(&key.id);
    }
}

fn take(shared: &Shared, document: Document) {
    let Document { key, revision, body, .. } = document;
    match key.collection.as_str() {
        REVOCATIONS => shared.table().revoke(key.id),
        // What cannot be read is of another version; it is written anew when the server is heard.
        SERVERS => match serde_json::from_value::<Listed>(body) {
            Ok(listed) => shared.table().remember(key.id, listed, revision),
            Err(error) => tracing::warn!(server = %key.id, %error, "last words that are not understood"),
        },
        _ => {}
    }
}
