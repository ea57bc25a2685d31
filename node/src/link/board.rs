//! What one link shows of itself; written by its task, read by whoever asks for the status.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tunnel::{Stats, Transport, Tunnel};

use crate::gateways::Gateway;
use crate::status::{GatewayStatus, LastError, LinkState, TunnelStatus};

/// A tunnel as the board knows it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) tunnel: Tunnel,
    /// Takes no new streams.
    pub(crate) leaving: bool,
}

#[derive(Debug)]
pub(crate) struct Board(Mutex<Content>);

#[derive(Debug)]
struct Content {
    state: LinkState,
    since: Option<Timestamp>,
    tunnels: Vec<Shown>,
    last_error: Option<LastError>,
    quic_retry: Option<Timestamp>,
}

impl Board {
    pub(crate) fn new() -> Self {
        let state = LinkState::Connecting;
        Self(Mutex::new(Content {
            state,
            since: None,
            tunnels: Vec::new(),
            last_error: None,
            quic_retry: None,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        // Every write below is whole, also when a panic comes between two of them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn show(&self, state: LinkState, tunnels: Vec<Shown>, quic_retry: Option<Timestamp>) {
        let mut content = self.lock();
        content.since = match state {
            LinkState::Connected => content.since.or_else(|| Some(Timestamp::now())),
            _ => None,
        };
        content.state = state;
        content.tunnels = tunnels;
        content.quic_retry = quic_retry;
    }

    /// Notes an error; says whether it is news.
    pub(crate) fn failed(&self, what: String) -> bool {
        let mut content = self.lock();
        let news = content.last_error.as_ref().is_none_or(|last| last.what != what);
        content.last_error = Some(LastError { at: Timestamp::now(), what });
        news
    }

    pub(crate) fn status(&self, gateway: &Gateway) -> GatewayStatus {
        let content = self.lock();
        let tunnels: Vec<TunnelStatus> = content.tunnels.iter().map(tunnel_status).collect();
        let live = || tunnels.iter().filter(|tunnel| !tunnel.leaving && !tunnel.doubtful);
        GatewayStatus {
            host: gateway.host.clone(),
            port: gateway.port,
            state: content.state.clone(),
            transport: live().map(|tunnel| tunnel.transport).min_by_key(|carrier| *carrier == Transport::Tls),
            rtt_ms: live().filter_map(|tunnel| tunnel.rtt_ms).reduce(f64::min),
            since: content.since,
            streams: tunnels.iter().map(|tunnel| tunnel.streams).sum(),
            last_error: content.last_error.clone(),
            quic_retry: content.quic_retry,
            tunnels,
        }
    }
}

fn tunnel_status(shown: &Shown) -> TunnelStatus {
    let Stats {
        transport,
        rtt,
        mtu,
        window,
        lost_packets,
        sent_bytes,
        received_bytes,
        open_streams,
        since,
        ..
    } = shown.tunnel.stats();
    TunnelStatus {
        id: shown.tunnel.id().to_owned(),
        transport,
        remote: shown.tunnel.remote(),
        leaving: shown.leaving,
        doubtful: shown.tunnel.is_doubtful(),
        seconds: since.as_secs(),
        rtt_ms: rtt.map(milliseconds),
        mtu,
        udp_buffers: shown.tunnel.udp_buffers(),
        window_bytes: window,
        lost_packets,
        sent_bytes,
        received_bytes,
        streams: open_streams,
    }
}

/// With three digits: a round trip on a loopback is 0.1 ms.
fn milliseconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}
