//! The first exchange on a data connection, and the way from the TLS handshake to records of our own.

use rustls::ConnectionCommon;
use serde::{Deserialize, Serialize};

use super::keys::Secret;

/// A dialled data connection says where it belongs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataHello {
    /// The tunnel's id, as the welcome gave it. Empty between two nodes on a LAN.
    pub(super) tunnel_id: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase")]
pub(super) enum DataAnswer {
    Welcome,
    Refused { reason: String },
}

/// One secret for each direction.
pub(super) struct Secrets {
    pub(super) dialler: Secret,
    pub(super) acceptor: Secret,
}

impl Secrets {
    /// Takes them from a finished handshake (RFC 8446 §7.5); both sides get the same ones and nobody else does.
    pub(super) fn export<Side>(connection: &ConnectionCommon<Side>) -> Result<Self, rustls::Error> {
        let export = |label: &[u8]| connection.export_keying_material([0; 32], label, None);
        Ok(Self {
            dialler: export(b"EXPERIMENTAL-fastx-data-dialler")?,
            acceptor: export(b"EXPERIMENTAL-fastx-data-acceptor")?,
        })
    }
}
