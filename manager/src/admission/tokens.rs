//! Join tokens: made, shown, taken back.

use std::time::Duration;

use cluster::Name;
use cluster::admission::{JoinToken, MemberKey, Permissions};
use cluster::broker::Trust;
use cluster::store::{Expect, StoreError, list};
use jiff::Timestamp;

use super::Admission;
use super::record::{TOKENS, TokenRecord, key, name};

/// At a time; a site that brings in more machines at once takes their broker.json from its own deployment.
const MAX_TOKENS: usize = 1000;
/// A token on a forgotten disk shall not be good for ever.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Used and expired ones are shown for so long.
const SHOWN: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a token lasts at most 7 days")]
    TooLong,
    #[error("there are {MAX_TOKENS} tokens already")]
    TooMany,
    #[error("no token begins with {0}")]
    Unknown(String),
    #[error("several tokens begin with {0}")]
    Ambiguous(String),
}

impl Admission {
    /// Makes a token; what is secret of it is in what is returned, and nowhere else.
    pub async fn create_token(
        &self,
        server: Option<Name>,
        lifetime: Duration,
    ) -> Result<JoinToken, TokenError> {
        let desk = &self.0.desk;
        let (now, key_pair) = (Timestamp::now(), MemberKey::generate());
        if lifetime > LONGEST {
            return Err(TokenError::TooLong);
        }
        let kept = self.sweep(now).await?;
        if kept >= MAX_TOKENS {
            return Err(TokenError::TooMany);
        }
        let (public, expires) = (key_pair.public(), now + lifetime);
        let permissions = Permissions::join(&desk.subjects, &public);
        let jwt = desk.authority.admit(&public, "join", &permissions, now, Some(expires));
        let record = TokenRecord { expires, server, spent: None };
        desk.write(key(TOKENS, &name(&public)), Expect::Absent, Some(&record)).await?;
        let ca = match &desk.broker.trust {
            Trust::Ca(pem) => Some(pem.clone()),
            Trust::System | Trust::Anybody => None,
        };
        let (servers, namespace) = (desk.broker.servers.clone(), desk.broker.namespace.clone());
        Ok(JoinToken { servers, ca, namespace, expires, key: key_pair, jwt })
    }

    /// By their public keys.
    pub async fn tokens(&self) -> Result<Vec<(Name, TokenRecord)>, StoreError> {
        let documents = list(&*self.0.desk.store, &name(TOKENS)).await?;
        let record = |document: cluster::store::Document| {
            Some((document.key.id, serde_json::from_value(document.body).ok()?))
        };
        Ok(documents.into_iter().filter_map(record).collect())
    }

    /// The token whose public key begins with `beginning` lets nobody in any more; says which it was.
    pub async fn revoke_token(&self, beginning: &str) -> Result<Name, TokenError> {
        let mut found = self
            .tokens()
            .await?
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| id.as_str().starts_with(beginning));
        let id = found.next().ok_or_else(|| TokenError::Unknown(beginning.to_owned()))?;
        if found.next().is_some() {
            return Err(TokenError::Ambiguous(beginning.to_owned()));
        }
        self.0.desk.write::<()>(key(TOKENS, &id), Expect::Anything, None).await?;
        Ok(id)
    }

    /// Removes what nobody needs to see any more; says how many stay.
    async fn sweep(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut stay = 0;
        for (id, record) in self.tokens().await? {
            if record.expires + SHOWN < now {
                self.0.desk.write::<()>(key(TOKENS, &id), Expect::Anything, None).await?;
            } else {
                stay += 1;
            }
        }
        Ok(stay)
    }
}
