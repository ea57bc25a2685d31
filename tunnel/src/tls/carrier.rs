//! The TLS carrier of a tunnel: its data connections, seen from either side.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::halves;
use super::link::Link;
use super::links::Stock;
use super::pool::{self, Pool};
use super::serving::{Begun, Serving};
use super::tunnels::Registration;
use crate::carrier::{RecvCarrier, SendCarrier};
use crate::error::OpenError;
use crate::shard::Shard;
use crate::tunnel::{Queue, Stats};
use crate::wire::control::Control;

#[derive(Debug)]
pub(crate) enum Carrier {
    /// A gateway: begins streams on connections that the node dialled.
    Gateway { pool: Arc<Pool>, registration: Registration, tending: AbortOnDropHandle<()> },
    /// A node: dials, and accepts streams.
    Node { serving: Arc<Serving>, begun: Begun, more: mpsc::Sender<u16>, dialling: AbortOnDropHandle<()> },
}

/// A data connection that was taken for one stream.
#[derive(Debug)]
pub(crate) struct Data(pub(super) Arc<Link>);

impl Carrier {
    /// Breaks all data connections, also those in use.
    pub(crate) fn close(&self) {
        match self {
            Self::Gateway { pool, registration, tending } => {
                registration.end();
                tending.abort();
                pool.close();
            }
            Self::Node { serving, dialling, .. } => {
                dialling.abort();
                serving.links().close();
            }
        }
    }

    /// An idle data connection; the node is asked for more when they run low.
    pub(crate) async fn take(&self, wait: Duration, control: &Queue<Control>) -> Result<Data, OpenError> {
        let Self::Gateway { pool, .. } = self else { return Err(OpenError::NoCredit) };
        let ask = |count| {
            // A full queue: the node does not read, and the tunnel ends for that.
            let _full = control.push(Control::More { count }).is_err();
        };
        pool::take(pool, wait, ask).await.map(Data)
    }

    /// The next stream that the gateway begins.
    pub(crate) async fn accept(&self) -> (SendCarrier, RecvCarrier) {
        match self {
            Self::Node { begun, .. } => halves::begin(&begun.next().await),
            // A node never begins one.
            Self::Gateway { .. } => std::future::pending().await,
        }
    }

    /// The gateway wants `count` more data connections.
    pub(crate) fn more(&self, count: u16) {
        if let Self::Node { more, .. } = self {
            // A full queue holds enough wishes already.
            let _enough = more.try_send(count).is_err();
        }
    }

    pub(crate) fn fill(&self, stats: &mut Stats) {
        let traffic = match self {
            Self::Gateway { pool, .. } => pool.links().traffic(),
            Self::Node { serving, .. } => serving.links().traffic(),
        };
        stats.sent_bytes = traffic.sent.load(Ordering::Relaxed);
        stats.received_bytes = traffic.received.load(Ordering::Relaxed);
    }
}

impl Data {
    pub(crate) fn home(&self) -> &Shard {
        self.0.home()
    }

    pub(crate) fn open(self) -> (SendCarrier, RecvCarrier) {
        halves::begin(&self.0)
    }
}
