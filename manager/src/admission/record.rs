//! What the store keeps of admission.

use cluster::Name;
use cluster::admission::{JoinRequest, RevokedDocument, RevokedKeys};
use cluster::store::{Expect, Key, Revision, StoreError, Write};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Desk;

pub(super) const TOKENS: &str = "join-tokens";
const ADMITTED: &str = "admitted";
const REVOCATIONS: &str = "revocations";
const ADMISSION: &str = "admission";

/// Whether members may not write it: who could would let in whom they like.
pub(crate) fn is_own(collection: &Name) -> bool {
    [TOKENS, ADMITTED, REVOCATIONS, ADMISSION].contains(&collection.as_str())
}

/// A join token, without what is secret of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRecord {
    pub expires: Timestamp,
    /// Good only for this one.
    pub server: Option<Name>,
    pub spent: Option<Spent>,
}

/// Who came in with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    pub server_id: Name,
    pub key: String,
    pub at: Timestamp,
}

/// A server that was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Admitted {
    pub(super) key: String,
    pub(super) token: String,
    pub(super) at: Timestamp,
}

pub(super) fn key(collection: &str, id: &Name) -> Key {
    Key { collection: name(collection), id: id.clone() }
}

pub(super) fn name(name: &str) -> Name {
    Name::new(name).expect("letters and dashes are a name")
}

impl Desk {
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Result<Option<(T, Revision)>, StoreError> {
        let Some(document) = self.store.get(key).await? else { return Ok(None) };
        let read = serde_json::from_value(document.body);
        let value = read
            .map_err(|error| StoreError::Refused(format!("{key} is not as a manager writes it: {error}")))?;
        Ok(Some((value, document.revision)))
    }

    pub(super) async fn write<T: Serialize>(
        &self,
        key: Key,
        expect: Expect,
        value: Option<&T>,
    ) -> Result<Revision, StoreError> {
        let body = value
            .map(serde_json::to_value)
            .transpose()
            .map_err(|error| StoreError::Refused(error.to_string()))?;
        self.store.write(Write { key, expect, by: self.me.as_str().to_owned(), body }).await
    }

    pub(super) async fn token(&self, id: &Name) -> Result<Option<TokenRecord>, StoreError> {
        Ok(self.read(&key(TOKENS, id)).await?.map(|(record, _)| record))
    }

    pub(super) async fn spend(&self, request: &JoinRequest, now: Timestamp) -> Result<(), StoreError> {
        let id = Name::new(&request.token).map_err(|error| StoreError::Refused(error.to_string()))?;
        let Some((mut record, revision)) = self.read::<TokenRecord>(&key(TOKENS, &id)).await? else {
            return Err(StoreError::Conflict { there: None });
        };
        if record.spent.is_some() {
            return Err(StoreError::Conflict { there: Some(revision) });
        }
        record.spent =
            Some(Spent { server_id: request.server_id.clone(), key: request.key.clone(), at: now });
        self.write(key(TOKENS, &id), Expect::Revision(revision), Some(&record)).await.map(drop)
    }

    pub(super) async fn admitted(&self, server: &Name) -> Result<Option<Admitted>, StoreError> {
        Ok(self.read(&key(ADMITTED, server)).await?.map(|(record, _)| record))
    }

    pub(super) async fn write_admitted(&self, server: &Name, record: &Admitted) -> Result<(), StoreError> {
        self.write(key(ADMITTED, server), Expect::Absent, Some(record)).await.map(drop)
    }

    pub(super) async fn forget(&self, server: &Name) -> Result<(), StoreError> {
        for collection in [ADMITTED, REVOCATIONS] {
            self.write::<()>(key(collection, server), Expect::Anything, None).await?;
        }
        Ok(())
    }

    pub(super) async fn is_revoked(&self, server: &Name) -> Result<bool, StoreError> {
        Ok(self.store.get(&key(REVOCATIONS, server)).await?.is_some())
    }

    pub(super) async fn write_revocation(&self, server: &Name, now: Timestamp) -> Result<(), StoreError> {
        let body = serde_json::json!({ "at": now });
        self.write(key(REVOCATIONS, server), Expect::Anything, Some(&body)).await.map(drop)
    }

    /// The server, or its key under another name.
    pub(super) async fn is_shut_out(&self, request: &JoinRequest) -> Result<bool, StoreError> {
        Ok(self.is_revoked(&request.server_id).await?
            || self.revoked_keys().await?.keys.contains_key(&request.key))
    }

    pub(super) async fn revoked_keys(&self) -> Result<RevokedKeys, StoreError> {
        let read = self.read::<RevokedDocument>(&revoked_keys_key()).await?;
        Ok(read.map_or_else(RevokedKeys::default, |(document, revision)| RevokedKeys {
            revision,
            keys: document.keys,
        }))
    }
}

pub(super) fn revoked_keys_key() -> Key {
    key(ADMISSION, &name("revoked-keys"))
}
