//! Tokens: what programs show instead of a cookie. The server keeps a list of the claims of those that count, never a
//! token: who reads the list cannot come in, and what is taken off it does not count any more.

mod routes;
mod signed;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use config::{ConfigError, Secrecy};
use serde::{Deserialize, Serialize};
use tunnel::identity::{Secret, ServerId};

use self::signed::{Audience, Signer};
use crate::key::{self, KeyError};
use crate::visits::{Visitor, seconds};

pub(crate) use self::routes::router;
pub(crate) use self::signed::Claims;

/// Of one person.
const MOST_OF_ONE: usize = 64;
/// Of all: one file that is read and written as a whole.
const MOST: usize = 4096;

pub(crate) struct Tokens {
    server: ServerId,
    file: PathBuf,
    signer: Signer,
    listed: Mutex<Vec<Listed>>,
}

/// One that counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    pub(crate) claims: Claims,
    /// What its owner calls it.
    pub(crate) label: String,
    visitor: Visitor,
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("there are {MOST_OF_ONE} tokens of this person, or {MOST} in all; revoke some")]
    TooMany,
    #[error("a token belongs to a name; with the portal's key nobody has one")]
    NoName,
    #[error(transparent)]
    File(#[from] ConfigError),
}

impl Tokens {
    /// Reads `local_dir/tokens.json`; one that is missing or damaged means that no token counts. Makes `local_dir/token-key`
    /// if there is none.
    pub(crate) fn open(server: &ServerId, local_dir: &Path) -> Result<Self, KeyError> {
        let path = local_dir.join("token-key");
        let signer = Signer::new(&key::read_or_make(&path)?).ok_or(KeyError::Weak { path })?;
        let file = local_dir.join("tokens.json");
        let listed = std::fs::read(&file).ok().and_then(|json| serde_json::from_slice(&json).ok());
        Ok(Self { server: server.clone(), file, signer, listed: Mutex::new(listed.unwrap_or_default()) })
    }

    /// A new token for whom this is; blocks while the list is written.
    pub(crate) fn issue(
        &self,
        visitor: Visitor,
        label: &str,
        lasts: Duration,
        now: SystemTime,
    ) -> Result<(Secret, Claims), TokenError> {
        let sub = visitor.name().ok_or(TokenError::NoName)?.to_owned();
        let (iat, exp) = (seconds(now), seconds(now + lasts));
        let jti = Secret::random().expose()[..32].to_owned();
        let iss = self.server.to_string();
        let claims = Claims { sub, iss, aud: Audience::Api, iat, exp, jti, daemon: false };
        let mut listed = self.lock();
        listed.retain(|one| one.claims.exp > iat);
        let of_one = listed.iter().filter(|one| one.claims.sub == claims.sub).count();
        if of_one >= MOST_OF_ONE || listed.len() >= MOST {
            return Err(TokenError::TooMany);
        }
        listed.push(Listed { claims: claims.clone(), label: label.to_owned(), visitor });
        self.write(&listed)?;
        Ok((self.signer.sign(&claims), claims))
    }

    /// The `jti` of a token that was signed here, for this server.
    pub(crate) fn read(&self, token: &str) -> Option<String> {
        let claims = self.signer.open(token)?;
        (claims.iss == self.server.as_str()).then_some(claims.jti)
    }

    /// Whose it is, if it still counts.
    pub(crate) fn find(&self, jti: &str, now: SystemTime) -> Option<Visitor> {
        let listed = self.lock();
        let found = listed.iter().find(|one| one.claims.jti == jti && one.claims.exp > seconds(now));
        found.map(|one| one.visitor.clone())
    }

    /// All that count, the oldest first.
    pub(crate) fn list(&self, now: SystemTime) -> Vec<Listed> {
        self.lock().iter().filter(|one| one.claims.exp > seconds(now)).cloned().collect()
    }

    /// Takes one off the list, and writes it; blocks for that long. What is open in its name ends within 2 s.
    pub(crate) fn revoke(&self, jti: &str) -> Result<(), ConfigError> {
        let mut listed = self.lock();
        listed.retain(|one| one.claims.jti != jti);
        self.write(&listed)
    }

    fn write(&self, listed: &[Listed]) -> Result<(), ConfigError> {
        config::write_json(&self.file, &listed, Secrecy::OwnerOnly)
    }

    /// A panic elsewhere leaves the list whole: every change is one push or removal.
    fn lock(&self) -> MutexGuard<'_, Vec<Listed>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visits::Known;

    #[test]
    fn a_token_counts_until_its_end_or_its_revocation_and_the_list_holds_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let server = ServerId::new("n1").unwrap();
        let tokens = Tokens::open(&server, folder.path()).unwrap();
        let (way, name) = ("pam".to_owned(), "alice".to_owned());
        let visitor = Visitor::Known(Known { way, account: name.clone(), name, groups: vec![] });
        let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
        let (token, claims) = tokens.issue(visitor.clone(), "laptop", hour, now).unwrap();
        let jti = tokens.read(token.expose()).unwrap();
        assert_eq!(jti, claims.jti);
        assert_eq!(tokens.find(&jti, now).as_ref(), Some(&visitor));
        assert_eq!(tokens.find(&jti, now + hour), None);
        assert!(tokens.issue(Visitor::KeyHolder, "", hour, now).is_err());

        let list = std::fs::read_to_string(folder.path().join("tokens.json")).unwrap();
        let signature = token.expose().rsplit('.').next().unwrap();
        assert!(list.contains(&jti) && !list.contains(signature) && !list.contains(token.expose()));

        let again = Tokens::open(&server, folder.path()).unwrap();
        assert_eq!(again.find(&again.read(token.expose()).unwrap(), now), Some(visitor.clone()));
        again.revoke(&jti).unwrap();
        assert_eq!(again.find(&jti, now), None);
        // A copy of the local folder under another id.
        let other = Tokens::open(&ServerId::new("n2").unwrap(), folder.path()).unwrap();
        assert_eq!(other.read(token.expose()), None);

        for _ in 0..MOST_OF_ONE {
            again.issue(visitor.clone(), "", hour, now).unwrap();
        }
        assert!(matches!(again.issue(visitor.clone(), "", hour, now), Err(TokenError::TooMany)));
        assert!(again.issue(visitor, "", hour, now + hour).is_ok(), "the others have expired");
    }
}
