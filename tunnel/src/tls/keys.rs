//! The keys of one direction of a data connection, and the chain of those that follow.

use aws_lc_rs::aead::{AES_128_GCM, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{self, HKDF_SHA256, Prk};

/// What exporting from the handshake yields, one for each direction.
pub type Secret = [u8; 32];

pub(super) struct Keys {
    chain: Prk,
    pub(super) key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    /// Number of the next record under this key.
    pub(super) next: u64,
}

struct IvLength;

impl hkdf::KeyType for IvLength {
    fn len(&self) -> usize {
        NONCE_LEN
    }
}

impl Keys {
    fn new(chain: Prk) -> Self {
        const FITS: &str = "far less than HKDF can give";
        let key = UnboundKey::from(chain.expand(&[b"fastx data key"], &AES_128_GCM).expect(FITS));
        let mut iv = [0; NONCE_LEN];
        chain.expand(&[b"fastx data iv"], IvLength).and_then(|okm| okm.fill(&mut iv)).expect(FITS);
        let chain = Prk::from(chain.expand(&[b"fastx data next"], HKDF_SHA256).expect(FITS));
        Self { chain, key: LessSafeKey::new(key), iv, next: 0 }
    }

    pub(super) fn from_secret(secret: &Secret) -> Self {
        Self::new(Prk::new_less_safe(HKDF_SHA256, secret))
    }

    /// Changes to the next key; the secret of this one is forgotten.
    pub(super) fn renew(&mut self) {
        *self = Self::new(self.chain.clone());
    }

    /// For the next record.
    pub(super) fn nonce(&mut self) -> Nonce {
        let mut nonce = self.iv;
        for (byte, number) in nonce[NONCE_LEN - 8..].iter_mut().zip(self.next.to_be_bytes()) {
            *byte ^= number;
        }
        self.next += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}
