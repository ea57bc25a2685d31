//! One QUIC connection as the carrier of a tunnel.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quinn::{ConnectionError, VarInt};
use tokio::sync::OwnedSemaphorePermit;

use super::lanes::Lanes;
use super::recv::Recv;
use super::send::Send;
use super::socket::BufferSizes;
use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::{Close, CloseCode, OpenError};
use crate::limits;
use crate::tunnel::Stats;

/// The connection, and the endpoint that drives it.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    connection: quinn::Connection,
    /// A dialler's endpoint belongs to its one connection.
    _endpoint: quinn::Endpoint,
    granted: Arc<AtomicU32>,
    lanes: Arc<Lanes>,
    /// Of a dialler's own socket.
    buffers: Option<BufferSizes>,
    /// Of an acceptor: its place among those with the largest packets.
    _place: Option<Arc<OwnedSemaphorePermit>>,
}

impl Carrier {
    pub(super) fn new(connection: quinn::Connection, endpoint: quinn::Endpoint, granted: u32) -> Self {
        let lanes = Lanes::new(connection.clone());
        Self {
            connection,
            _endpoint: endpoint,
            granted: Arc::new(granted.into()),
            lanes,
            buffers: None,
            _place: None,
        }
    }

    pub(super) fn with_place(self, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { _place: place.map(Arc::new), ..self }
    }

    pub(super) fn with_buffers(self, buffers: BufferSizes) -> Self {
        Self { buffers: Some(buffers), ..self }
    }

    pub(crate) fn buffers(&self) -> Option<BufferSizes> {
        self.buffers
    }

    /// The peer is known now: lift the limits that hold before the hello.
    pub(crate) fn authenticated(&self) {
        self.connection.set_receive_window(limits::WINDOW_TUNNEL.into());
        self.connection.set_max_concurrent_uni_streams(limits::LANES_GRANTED.into());
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    pub(crate) fn close(&self, close: &Close) {
        self.connection.close((close.code as u32).into(), close.reason.as_bytes());
    }

    /// Waits until the connection is lost, and hears what is said of lanes meanwhile.
    pub(crate) async fn lost(&self) -> Close {
        self.lanes.serve().await;
        close_of(&self.connection.closed().await)
    }

    fn halves(&self, send: quinn::SendStream, recv: quinn::RecvStream) -> (SendCarrier, RecvCarrier) {
        let recv = Recv::new(recv, self.lanes.clone());
        (SendCarrier::Quic(Send::new(send, self.lanes.clone())), RecvCarrier::Quic(recv))
    }

    pub(crate) async fn open(&self, wait: Duration) -> Result<(SendCarrier, RecvCarrier), OpenError> {
        let (send, recv) = tokio::time::timeout(wait, self.connection.open_bi())
            .await
            .map_err(|_| OpenError::NoCredit)?
            .map_err(|error| OpenError::Closed(close_of(&error)))?;
        Ok(self.halves(send, recv))
    }

    pub(crate) async fn accept(&self, open_streams: usize) -> Result<(SendCarrier, RecvCarrier), Close> {
        self.grant_more(open_streams);
        let (send, recv) = self.connection.accept_bi().await.map_err(|error| close_of(&error))?;
        Ok(self.halves(send, recv))
    }

    /// Doubles the grant while three quarters of it are in use.
    fn grant_more(&self, open_streams: usize) {
        let granted = self.granted.load(Ordering::Relaxed);
        if open_streams * 4 >= granted as usize * 3 && granted < limits::STREAMS_AT_MOST {
            let more = (granted * 2).min(limits::STREAMS_AT_MOST);
            self.granted.store(more, Ordering::Relaxed);
            self.connection.set_max_concurrent_bi_streams(more.into());
        }
    }

    pub(crate) fn fill(&self, stats: &mut Stats) {
        let quic = self.connection.stats();
        stats.rtt = Some(quic.path.rtt);
        stats.mtu = Some(quic.path.current_mtu);
        stats.window = Some(quic.path.cwnd);
        stats.lost_packets = quic.path.lost_packets;
        stats.sent_bytes = quic.udp_tx.bytes;
        stats.received_bytes = quic.udp_rx.bytes;
    }
}

pub(super) fn close_of(error: &ConnectionError) -> Close {
    match error {
        ConnectionError::ApplicationClosed(close) => Close::remote(
            CloseCode::from_u64(close.error_code.into_inner()),
            String::from_utf8_lossy(&close.reason),
        ),
        // Why we closed it, the tunnel knows; it ends the streams that must end.
        ConnectionError::LocallyClosed => Close::local(CloseCode::Lost, "closed"),
        ConnectionError::TimedOut => Close::local(CloseCode::Silent, "no packet came for too long"),
        ConnectionError::Reset => Close::remote(CloseCode::Forgotten, "the other side was restarted"),
        other => Close::local(CloseCode::Lost, other.to_string()),
    }
}

pub(super) fn code_of(code: VarInt) -> u32 {
    u32::try_from(code.into_inner()).unwrap_or(u32::MAX)
}
