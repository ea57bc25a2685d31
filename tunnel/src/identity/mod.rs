//! Who is who: server ids, the key of a node, the TLS configurations, and the protocol names that tell connections
//! on one port apart.
//!
//! A gateway shows a certificate, which the node checks against `ca` in gateway.json. A node shows a bare public key
//! (RFC 7250): it has a key, not a name that somebody signed. The key is bound to the server id at the first hello.

mod key;
mod name;
mod peer_key;
mod trust;

pub use key::{IdentityError, NodeKey, ServerIdentity};
pub use name::{BadServerId, Fingerprint, Secret, ServerId};
pub use trust::{Trust, client_config, gateway_config, lan_config, peer_fingerprint, provider};

/// QUIC connection, or TLS control connection, of a node's tunnel.
pub const ALPN_TUNNEL: &[u8] = b"fastx-tunnel/1";
/// TLS data connection that belongs to a tunnel.
pub const ALPN_DATA: &[u8] = b"fastx-data/1";
/// TLS connection between two nodes on a LAN.
pub const ALPN_LAN: &[u8] = b"fastx-lan/1";
