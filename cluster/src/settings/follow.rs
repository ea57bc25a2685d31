//! Follows the settings in the store, and keeps what it read in a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::Secrecy;
use jiff::Timestamp;
use tokio::sync::watch;

use super::snapshot::{Behind, Documents, Held, Snapshot};
use super::{Record, Scope};
use crate::plane::ControlPlane;
use crate::store::{Change, Document, Key, StoreError};
use crate::transporter::Link;

/// Between two attempts to read, with as much again by chance: a thousand servers do not ask at one moment.
const RETRY: Duration = Duration::from_secs(2);

struct Follower {
    plane: ControlPlane,
    file: PathBuf,
    snapshot: watch::Sender<Arc<Snapshot>>,
}

pub(super) fn start(
    plane: &ControlPlane,
    file: PathBuf,
) -> (impl Future<Output = ()> + Send + 'static, watch::Receiver<Arc<Snapshot>>) {
    let documents = load(&file);
    let why = "the store was not asked yet".to_owned();
    let behind = Behind { since: Timestamp::now(), why };
    let (snapshot, seen) = watch::channel(Arc::new(Snapshot::new(documents, Some(behind))));
    let follower = Follower { plane: plane.clone(), file, snapshot };
    (follower.run(), seen)
}

/// What cannot be read is as if it were not there: the store has it.
fn load(file: &Path) -> Documents {
    match config::read_optional(file, Secrecy::OwnerOnly) {
        Ok(kept) => kept.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, "the settings that were kept cannot be read; the store is asked for them");
            Documents::default()
        }
    }
}

impl Follower {
    async fn run(self) {
        let mut changes = self.plane.store.watch().await;
        let mut link = self.plane.transporter.link();
        loop {
            let retry = RETRY.mul_f64(1.0 + rand::random::<f64>());
            let is_behind = !self.read().await;
            // Until something says that what was read may not be the newest any more.
            loop {
                tokio::select! {
                    biased;
                    change = changes.next() => if self.hear(change).await.is_none() { break },
                    Ok(()) = changed(&mut link) => break,
                    () = tokio::time::sleep(retry), if is_behind => break,
                }
            }
        }
    }

    fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// Reads both documents; says whether it could.
    async fn read(&self) -> bool {
        let now = self.now();
        match self.documents(&now.documents).await {
            Ok(documents) => {
                self.publish(documents, None).await;
                true
            }
            Err(error) => {
                let since = now.behind.as_ref().map_or_else(Timestamp::now, |behind| behind.since);
                let behind = Behind { since, why: error.to_string() };
                self.publish(now.documents.clone(), Some(behind)).await;
                false
            }
        }
    }

    async fn documents(&self, before: &Documents) -> Result<Documents, StoreError> {
        let mut documents = before.clone();
        for scope in [Scope::Global, Scope::Local] {
            let read = self.plane.store.get(&scope.key(&self.plane.me)).await?;
            let held = documents.of_mut(scope);
            match read {
                Some(document) => take(scope, held, document),
                // The revision stays: an old word on what was deleted is known as old by it.
                None => held.record = Record::default(),
            }
        }
        Ok(documents)
    }

    /// `None` when all must be read again.
    async fn hear(&self, change: Change) -> Option<()> {
        let document = match change {
            Change::Written(document) => document,
            Change::Deleted { key, .. } => {
                return if self.scope_of(&key).is_none() { Some(()) } else { None };
            }
            Change::Gap => return None,
        };
        let now = self.now();
        let Some(scope) = self.scope_of(&document.key) else { return Some(()) };
        if now.documents.of(scope).revision < Some(document.revision) {
            let mut documents = now.documents.clone();
            take(scope, documents.of_mut(scope), document);
            self.publish(documents, now.behind.clone()).await;
        }
        Some(())
    }

    fn scope_of(&self, key: &Key) -> Option<Scope> {
        [Scope::Global, Scope::Local].into_iter().find(|scope| scope.key(&self.plane.me) == *key)
    }

    async fn publish(&self, documents: Documents, behind: Option<Behind>) {
        let before = self.now();
        let next = Arc::new(Snapshot::new(documents, behind));
        if next.ignored != before.ignored {
            next.ignored.iter().for_each(|fault| tracing::warn!("a setting does not count: {fault}"));
        }
        let is_new = next.documents != before.documents;
        self.snapshot.send_replace(Arc::clone(&next));
        if is_new {
            self.keep(next).await;
        }
    }

    async fn keep(&self, snapshot: Arc<Snapshot>) {
        let file = self.file.clone();
        let write = move || config::write_json(&file, &snapshot.documents, Secrecy::OwnerOnly);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
            tracing::error!(%error, "the settings cannot be kept for a start without a manager");
        }
    }
}

/// A document that is no record leaves what was there.
fn take(scope: Scope, held: &mut Held, document: Document) {
    held.revision = Some(document.revision);
    match serde_json::from_value(document.body) {
        Ok(record) => held.record = record,
        Err(error) => {
            tracing::error!(%error, "the {scope} settings in the store cannot be read; those before count");
        }
    }
}

/// Of a link that ended nobody hears.
async fn changed(link: &mut watch::Receiver<Link>) -> Result<(), watch::error::RecvError> {
    match link.changed().await {
        Ok(()) => Ok(()),
        Err(_) => std::future::pending().await,
    }
}
