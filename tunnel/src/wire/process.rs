//! Which start of which gateway a node has reached.

use serde::{Deserialize, Serialize};

/// One start of one gateway. Two gateways behind one name, or one address, are different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// The same at each start: follows from what the gateway keeps in its local folder.
    gateway: u64,
    /// Random.
    start: u64,
}

impl Process {
    /// A start of the gateway whose secret this is; nobody learns the secret from it.
    pub fn start(secret: &[u8]) -> Self {
        let said = [b"fastx gateway ".as_slice(), secret].concat();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &said);
        let gateway = digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
        Self { gateway: u64::from_be_bytes(*gateway), start: crate::chance::random() }
    }

    /// Whether `earlier` is over because this runs.
    pub fn replaces(self, earlier: Self) -> bool {
        self.gateway == earlier.gateway && self.start != earlier.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_replaces_other_starts_of_the_same_gateway_only() {
        let [first, second, other] = [&[1; 64], &[1; 64], &[2; 64]].map(|secret| Process::start(secret));
        assert!(second.replaces(first));
        assert!(!first.replaces(first));
        assert!(!other.replaces(first));
    }
}
