//! Servers are shut out, and let in again.

use cluster::Name;
use cluster::admission::{MAX_REVOKED, RevokedDocument};
use cluster::store::{Expect, StoreError};
use jiff::Timestamp;
use serde::Serialize;

use super::record::revoked_keys_key;
use super::{Admission, Desk};

#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{MAX_REVOKED} keys are revoked already")]
    TooMany,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    /// It has a login of its own, which is void now. Without one it came in with a copy of broker.json, and only its name is
    /// shut out.
    pub own_login: bool,
    /// Why the brokers do not know it yet; it is tried again until they do.
    pub not_told: Option<String>,
}

impl Admission {
    /// Shuts a server out: the brokers cut it off, and members show it as revoked.
    pub async fn revoke(&self, server: &Name) -> Result<Revoked, RevokeError> {
        let desk = &self.0.desk;
        let key = desk.admitted(server).await?.map(|admitted| admitted.key);
        let now = Timestamp::now();
        if let Some(key) = &key {
            desk.revoke_keys(std::slice::from_ref(key), now).await?;
        }
        desk.write_revocation(server, now).await?;
        let not_told = if key.is_some() { desk.told().await } else { None };
        Ok(Revoked { own_login: key.is_some(), not_told })
    }

    /// Voids the logins in all copies of broker.json. Managers have their own.
    pub async fn revoke_shared(&self) -> Result<Revoked, RevokeError> {
        let desk = &self.0.desk;
        desk.revoke_keys(&desk.authority.shared, Timestamp::now()).await?;
        Ok(Revoked { own_login: true, not_told: desk.told().await })
    }

    /// The id may come in again, with a new token and a new key; the key it had stays void.
    pub async fn readmit(&self, server: &Name) -> Result<(), RevokeError> {
        let desk = &self.0.desk;
        if let Some(admitted) = desk.admitted(server).await? {
            desk.revoke_keys(&[admitted.key], Timestamp::now()).await?;
            // Not told yet: it is tried again until the brokers know it.
            let _not_yet = desk.told().await;
        }
        Ok(desk.forget(server).await?)
    }
}

impl Desk {
    async fn revoke_keys(&self, keys: &[String], now: Timestamp) -> Result<(), RevokeError> {
        loop {
            let revoked = self.revoked_keys().await?;
            let expect =
                if revoked.keys.is_empty() { Expect::Absent } else { Expect::Revision(revoked.revision) };
            let mut all = revoked.keys;
            let before = all.len();
            for key in keys {
                all.entry(key.clone()).or_insert_with(|| now.as_second());
            }
            if all.len() == before {
                return Ok(());
            }
            if all.len() > MAX_REVOKED {
                return Err(RevokeError::TooMany);
            }
            match self.write(revoked_keys_key(), expect, Some(&RevokedDocument { keys: all })).await {
                // Another manager revokes at the same moment.
                Err(StoreError::Conflict { .. }) => {}
                done => return Ok(done.map(drop)?),
            }
        }
    }

    async fn told(&self) -> Option<String> {
        self.tell().await.err().map(|error| error.to_string())
    }
}
