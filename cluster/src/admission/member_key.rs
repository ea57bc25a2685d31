//! What one who comes in proves itself with: a key pair of its own, for which the authority signs.

use nkeys::{KeyPair, KeyPairType};

use crate::secret::Secret;

/// A key pair that lets one in, once the authority signed for it.
#[derive(Clone)]
pub struct MemberKey(KeyPair);

impl MemberKey {
    pub fn generate() -> Self {
        Self(KeyPair::new_user())
    }

    /// From what [`MemberKey::seed`] gave; `None` when it is something else.
    pub fn from_seed(seed: &Secret) -> Option<Self> {
        let pair = KeyPair::from_seed(seed.expose()).ok()?;
        matches!(pair.key_pair_type(), KeyPairType::User).then_some(Self(pair))
    }

    pub fn public(&self) -> String {
        self.0.public_key()
    }

    pub fn seed(&self) -> Secret {
        Secret::new(self.0.seed().expect("it was made from its private half"))
    }

    /// The text of a `.creds` file: what the authority signed, and the key it signed for.
    pub fn credentials(&self, jwt: &str) -> Secret {
        Secret::new(format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            self.seed().expose()
        ))
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).expect("it was made from its private half")
    }
}

impl std::fmt::Debug for MemberKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemberKey({})", self.public())
    }
}
