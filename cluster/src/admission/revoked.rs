//! Keys that brokers must not let in any more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::store::Revision;

/// At 72 bytes each as JSON they fit into one document of the store, and into one message to the brokers.
pub const MAX_REVOKED: usize = 3000;

/// Of which point in time, and which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevokedKeys {
    /// Of the document that holds them; 0 in a new cluster.
    pub revision: Revision,
    /// Public keys, and the second since 1970 up to which what was signed for them is void.
    pub keys: BTreeMap<String, i64>,
}

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedDocument {
    pub keys: BTreeMap<String, i64>,
}
