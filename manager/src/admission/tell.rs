//! The brokers are told whom to shut out: at once, and again whenever this manager reaches a broker anew, for that one may
//! have lost its disk.

use std::time::Duration;

use cluster::admission::TellError;
use cluster::store::{Revision, StoreError};
use cluster::transporter::Link;
use tokio::sync::watch;

use super::Desk;

const AGAIN: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(super) enum NotTold {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Brokers(#[from] TellError),
}

impl Desk {
    /// A broker believes who speaks last; so what another manager wrote meanwhile is told behind it.
    pub(super) async fn tell(&self) -> Result<(), NotTold> {
        let mut told = Revision(0);
        loop {
            let revoked = self.revoked_keys().await?;
            if revoked.revision == told {
                return Ok(());
            }
            cluster::admission::tell(&self.broker, &self.authority, &revoked).await?;
            told = revoked.revision;
        }
    }
}

pub(super) async fn keep_told(desk: Desk, mut link: watch::Receiver<Link>) {
    while link.wait_for(Link::is_up).await.is_ok() {
        if let Err(error) = desk.tell().await {
            tracing::warn!(%error, "the brokers do not know yet who is revoked");
            tokio::time::sleep(AGAIN).await;
            continue;
        }
        if link.wait_for(|link| !link.is_up()).await.is_err() {
            return;
        }
    }
}
