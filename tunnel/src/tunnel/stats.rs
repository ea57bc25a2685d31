//! What carries a tunnel, and its figures.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Tunnel;
use crate::carrier::Carrier;

/// What carries a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Quic,
    Tls,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quic => "QUIC",
            Self::Tls => "TLS",
        })
    }
}

/// Figures of one tunnel at one moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub transport: Transport,
    /// Smoothed round trip; `None` before the first measurement.
    pub rtt: Option<Duration>,
    /// UDP payload that the path carries, bytes; `None` over TLS.
    pub mtu: Option<u16>,
    /// Congestion window of this side, bytes; `None` over TLS, where the kernel keeps it.
    pub window: Option<u64>,
    pub lost_packets: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    pub open_streams: usize,
    pub since: Duration,
}

impl Tunnel {
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            transport: self.transport(),
            rtt: *self.0.ping.lock().expect("no panic while held"),
            mtu: None,
            window: None,
            lost_packets: 0,
            sent_bytes: 0,
            received_bytes: 0,
            open_streams: self.open_streams(),
            since: self.0.since.elapsed(),
        };
        match &self.0.carrier {
            Carrier::Quic(quic) => quic.fill(&mut stats),
            Carrier::Tls(tls) => tls.fill(&mut stats),
        }
        stats
    }
}
