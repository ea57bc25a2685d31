//! Bounds that an administrator may move, with the arithmetic behind their defaults.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The `limits` of gateway-server.json. Times are written as `"10s"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Client connections at once. 65,536 need 65,536 file descriptors and, at 10 kB each, 640 MB.
    pub connections: u32,
    /// Client connections at once from one IPv4 address or IPv6 /64. A campus behind one NAT address with 500
    /// people and 6 connections of each browser has 3,000.
    pub connections_per_address: u32,
    /// New connections a second from one address, sustained. A gateway of four cores accepts about this many plaintext
    /// ones, so the default only keeps one address from taking every turn; lower it where clients are known.
    pub new_per_second: NonZeroU32,
    /// New connections from one address that may come at once on top.
    pub new_burst: NonZeroU32,
    /// Requests over HTTP a second from one address, sustained. About what a gateway of four cores forwards in all, so
    /// the default, too, only keeps one address from taking every turn.
    pub requests_per_second: NonZeroU32,
    /// Requests from one address that may come at once on top.
    pub request_burst: NonZeroU32,
    /// TLS handshakes at once, clients and nodes together. One costs about 1 ms of a core: 1,024 are a queue of 0.25 s
    /// on four cores, and 1,000 nodes may come back together after a restart.
    pub handshakes: u32,
    /// Server ids that the gateway binds to keys; one costs about 200 bytes in nodes.json.
    pub servers: usize,
    /// Wrong tokens and keys from one address in a minute before it is not listened to.
    pub failed_hellos_per_minute: NonZeroU32,
    /// From a client's connection to the service's answer, tries on other nodes included.
    #[serde(with = "config::duration")]
    pub open: Duration,
    /// From the first byte of a PROXY header to its end; load balancers send it in one packet.
    #[serde(with = "config::duration")]
    pub proxy_header: Duration,
    /// A connection of which one direction ended lives on this long without a byte.
    #[serde(with = "config::duration")]
    pub half_closed: Duration,
    /// A reader that takes no byte for this long is cut off.
    #[serde(with = "config::duration")]
    pub write: Duration,
    /// A TCP connection on which nothing moves for this long is cut off. Long: an editor in ssh is left over night.
    #[serde(with = "config::duration")]
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 65_536,
            connections_per_address: 4_096,
            new_per_second: NonZeroU32::new(20_000).expect("not zero"),
            new_burst: NonZeroU32::new(20_000).expect("not zero"),
            requests_per_second: NonZeroU32::new(20_000).expect("not zero"),
            request_burst: NonZeroU32::new(20_000).expect("not zero"),
            handshakes: 1_024,
            servers: 10_000,
            failed_hellos_per_minute: NonZeroU32::new(30).expect("not zero"),
            open: Duration::from_secs(10),
            proxy_header: Duration::from_secs(5),
            half_closed: Duration::from_secs(300),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(24 * 3600),
        }
    }
}

impl Limits {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub fn patience(&self) -> tunnel::pump::Patience {
        tunnel::pump::Patience { half_closed: self.half_closed, write: self.write, idle: Some(self.idle) }
    }
}
