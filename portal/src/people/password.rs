//! Passwords at rest: argon2id, with the costs that OWASP asks for at least (19 MiB, 2 passes), as PHC strings.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use serde::{Deserialize, Serialize};
use tunnel::identity::Secret;

/// Of a person who is not there: it is compared all the same, so that the time tells nothing about names.
const OF_NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// A longer one is none that a person types; it costs time to hash.
const LONGEST: usize = 1024;
/// NIST SP 800-63B-4 3.1.1.2 asks for 8 beside another factor; there is none yet.
pub(crate) const SHORTEST: usize = 10;

/// A hash of a password. Prints as `[redacted]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hashed(Secret);

impl Hashed {
    /// Takes some 20 ms of a processor. `None`: this machine gives no random numbers.
    pub(crate) fn of(password: &Secret) -> Option<Self> {
        let hash = Argon2::default().hash_password(password.expose().as_bytes()).ok()?;
        Some(Self(Secret::new(hash.to_string())))
    }
}

/// Compares in the same time whether there is a hash or not. A damaged hash is nobody's.
pub(crate) fn matches(hashed: Option<&Hashed>, password: &Secret) -> bool {
    let nobody = || PasswordHash::new(OF_NOBODY).ok();
    let known = hashed.and_then(|hashed| PasswordHash::new(hashed.0.expose()).ok());
    let is_somebody = known.is_some();
    let Some(hash) = known.or_else(nobody) else { return false };
    let password = password.expose().as_bytes();
    let right = Argon2::default().verify_password(&password[..password.len().min(LONGEST)], &hash).is_ok();
    right && is_somebody && password.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_matches_and_nobody_has_any() {
        let secret = |text: &str| Secret::new(text);
        let hashed = Hashed::of(&secret("correct horse")).unwrap();
        assert!(matches(Some(&hashed), &secret("correct horse")));
        for wrong in ["", "correct hors", "correct horse ", &"x".repeat(LONGEST + 1)] {
            assert!(!matches(Some(&hashed), &secret(wrong)), "{wrong:?}");
            assert!(!matches(None, &secret(wrong)));
        }
        assert!(!matches(Some(&Hashed(secret("damaged"))), &secret("damaged")));
        assert!(PasswordHash::new(OF_NOBODY).is_ok(), "it is compared");
        let again = Hashed::of(&secret("correct horse")).unwrap();
        assert!(!again.0.matches(&hashed.0), "each has a salt of its own");
        assert_eq!(format!("{hashed:?}"), "Hashed([redacted])");
    }
}
