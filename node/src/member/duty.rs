//! Follows what an administrator wants of this server, and keeps it for a start without a manager.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::server::{DUTIES, Duty};
use cluster::store::{Change, Key, StoreError};
use cluster::{ControlPlane, Name};
use config::Secrecy;
use tokio::sync::watch;

/// After the store did not answer.
const AGAIN: Duration = Duration::from_secs(2);

/// What it was when this server last heard. A file that is damaged says nothing.
pub(super) fn kept(path: &Path) -> Duty {
    match config::read_optional(path, Secrecy::Public) {
        Ok(duty) => duty.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, "what was wanted of this server is not known until a manager answers");
            Duty::default()
        }
    }
}

/// Follows for ever.
pub(super) async fn follow(plane: ControlPlane, path: PathBuf, duty: watch::Sender<Duty>) {
    let key = Key { collection: Name::new(DUTIES).expect("letters are a name"), id: plane.me.clone() };
    let mut changes = plane.store.watch().await;
    loop {
        match read(&plane, &key).await {
            Ok(wanted) => take(&path, &duty, wanted),
            Err(_) => {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        }
        loop {
            match changes.next().await {
                Change::Written(document) if document.key == key => {
                    match serde_json::from_value(document.body) {
                        Ok(wanted) => take(&path, &duty, wanted),
                        Err(error) => tracing::warn!(%error, "a wish of another version is not understood"),
                    }
                }
                Change::Deleted { key: deleted, .. } if deleted == key => take(&path, &duty, Duty::default()),
                Change::Gap => break,
                _ => {}
            }
        }
    }
}

async fn read(plane: &ControlPlane, key: &Key) -> Result<Duty, StoreError> {
    let document = plane.store.get(key).await?;
    let body = document.map(|document| document.body);
    Ok(body.and_then(|body| serde_json::from_value(body).ok()).unwrap_or_default())
}

fn take(path: &Path, duty: &watch::Sender<Duty>, wanted: Duty) {
    let changed = duty.send_if_modified(|duty| {
        let changed = *duty != wanted;
        *duty = wanted;
        changed
    });
    if changed {
        tracing::info!(draining = wanted.draining, allows = ?wanted.allows, "an administrator changed what this server does");
        if let Err(error) = config::write_json(path, &wanted, Secrecy::Public) {
            tracing::warn!(%error, "it is done, and forgotten at the next start without a manager");
        }
    }
}
