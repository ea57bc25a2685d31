//! What all clones of a tunnel's handle share, and how it closes.

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::queue::Queue;
use super::{Event, WayWatch};
use crate::carrier::Carrier;
use crate::error::Close;
use crate::lifeline::Survivors;
use crate::shard::Shard;
use crate::wire::Process;
use crate::wire::control::Control;

pub(super) struct Shared {
    pub(super) id: String,
    pub(super) home: Shard,
    pub(super) remote: SocketAddr,
    pub(super) since: Instant,
    pub(super) carrier: Carrier,
    pub(super) streams: Arc<AtomicUsize>,
    /// To be sent.
    pub(super) control: Queue<Control>,
    pub(super) events: Queue<Event>,
    pub(super) closed: CancellationToken,
    pub(super) close: OnceLock<Close>,
    pub(super) ping: Mutex<Option<Duration>>,
    pub(super) way: WayWatch,
    pub(super) process: Option<Process>,
    pub(super) survivors: Survivors,
}

impl Shared {
    pub(super) fn shut(&self, close: Close) {
        if self.close.set(close).is_ok() {
            let close = self.close.get().expect("just set");
            self.survivors.closed(close);
            self.carrier.close(close);
            self.closed.cancel();
            tracing::debug!(tunnel = %self.id, remote = %self.remote, %close, "tunnel closed");
        }
    }

    pub(super) fn closed_because(&self, close: Close) -> Close {
        self.shut(close);
        self.close.get().cloned().expect("shut sets it")
    }

    /// Waits until the carrier itself is lost.
    pub(super) async fn lost(&self) -> Close {
        match &self.carrier {
            Carrier::Quic(quic) => quic.lost().await,
            Carrier::Tls(_) => std::future::pending().await,
        }
    }
}
