//! What the node tells about itself: the JSON of `GET /status` on its socket, read by `fastx status`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tunnel::quic::BufferSizes;
use tunnel::wire::control::RefusalCode;
use tunnel::{Fingerprint, ServerId, Transport};

/// The whole node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub server_id: ServerId,
    pub fingerprint: Fingerprint,
    pub version: String,
    pub pid: u32,
    /// Counts the starts of this node.
    pub generation: u64,
    pub started: Timestamp,
    pub uptime_seconds: u64,
    /// New streams are refused, open ones go on.
    pub draining: bool,
    pub streams: usize,
    pub gateways: Vec<GatewayStatus>,
    pub services: Vec<ServiceStatus>,
    pub lan: LanStatus,
    /// Why the last reload was refused; what ran before runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_error: Option<String>,
}

/// One entry of gateway.json.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStatus {
    pub host: String,
    pub port: u16,
    pub state: LinkState,
    /// What carries the tunnels that take new streams.
    pub transport: Option<Transport>,
    /// Best of its tunnels, milliseconds.
    pub rtt_ms: Option<f64>,
    /// Since when it is connected without a gap.
    pub since: Option<Timestamp>,
    pub streams: usize,
    pub tunnels: Vec<TunnelStatus>,
    /// The last thing that went wrong, and when; kept after it is mended.
    pub last_error: Option<LastError>,
    /// TLS carries the tunnels, and QUIC is tried again then.
    pub quic_retry: Option<Timestamp>,
}

/// How far the way to one gateway is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum LinkState {
    Connecting,
    Connected,
    /// The last dial failed; the next comes then.
    #[serde(rename_all = "camelCase")]
    Waiting {
        retry: Timestamp,
    },
    /// The gateway said no.
    #[serde(rename_all = "camelCase")]
    Refused {
        code: RefusalCode,
        reason: String,
        next_step: String,
        retry: Timestamp,
    },
    /// The gateway goes away; this node dials again when it is gone.
    Draining,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    pub at: Timestamp,
    pub what: String,
}

/// One tunnel.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TunnelStatus {
    pub id: String,
    pub transport: Transport,
    pub remote: std::net::SocketAddr,
    /// Takes no new streams: its gateway drains, or this node needs it no more.
    pub leaving: bool,
    /// Its gateway was not heard for seconds: nothing new goes this way until it is.
    pub doubtful: bool,
    pub seconds: u64,
    pub rtt_ms: Option<f64>,
    /// UDP payload that the path carries, bytes.
    pub mtu: Option<u16>,
    /// Congestion window of this node, bytes; QUIC only.
    #[serde(default)]
    pub window_bytes: Option<u64>,
    /// What the kernel granted for this node's UDP socket.
    pub udp_buffers: Option<BufferSizes>,
    pub lost_packets: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    pub streams: usize,
}

/// One name in the service table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    pub name: String,
    /// `built in`, `host:port` or `unix:/path`.
    pub connect: String,
}

/// The LAN listener and the peers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LanStatus {
    pub listen: Option<String>,
    pub peers: Vec<PeerStatus>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerStatus {
    pub server_id: ServerId,
    pub connect: Option<String>,
    /// The last thing that went wrong on the way there.
    pub last_error: Option<LastError>,
}

impl Status {
    /// Whether clients can reach this node: some gateway is connected.
    pub fn is_reachable(&self) -> bool {
        self.gateways.iter().any(|gateway| gateway.state == LinkState::Connected)
    }
}
