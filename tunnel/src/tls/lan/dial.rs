//! A node opens streams to another one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use crate::error::{DialError, OpenError};
use crate::identity::{self, Fingerprint, NodeKey, Trust};
use crate::shard::Shards;
use crate::stream::{OpenStream, Stream};
use crate::tls::dial::Target;
use crate::tls::halves;
use crate::tls::pool::{self, Pool};
use crate::tls::refill::{self, Refill};
use crate::tunnel;
use crate::wire::Preamble;

/// Why a stream to a peer could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LanOpenError {
    #[error("the other node cannot be reached: {0}")]
    Unreachable(String),
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Opens streams to one peer, over a few connections that are kept ready.
#[derive(Debug)]
pub struct LanDialer {
    pool: Arc<Pool>,
    wishes: mpsc::Sender<u16>,
    failed: watch::Receiver<String>,
    streams: Arc<AtomicUsize>,
    _refilling: AbortOnDropHandle<()>,
}

impl LanDialer {
    /// Believes only who proves the key `peer`.
    pub fn new(
        address: SocketAddr,
        peer: &Fingerprint,
        key: &NodeKey,
        shards: &Shards,
    ) -> Result<Self, DialError> {
        let trust = Trust::Key(peer.clone());
        let target = Target::new(address, &address.ip().to_string(), &trust, key, identity::ALPN_LAN)?;
        let (failed_tx, failed) = watch::channel(String::new());
        let homes = shards.clone();
        let refill = Refill {
            target,
            tunnel_id: String::new(),
            home: Box::new(move || homes.next().clone()),
            failed: failed_tx,
        };
        let pool = Pool::new();
        let (wishes, read) = mpsc::channel(refill::WISHES);
        let task = shards.next().spawn(refill::keep(refill, pool.clone(), read));
        let _refilling = AbortOnDropHandle::new(task);
        Ok(Self { pool, wishes, failed, streams: Arc::default(), _refilling })
    }

    /// Opens a stream: the preamble and `first` leave in one flight.
    pub async fn open(&self, preamble: &Preamble, first: Bytes) -> Result<Stream, LanOpenError> {
        let mut failed = self.failed.clone();
        failed.mark_unchanged();
        let link = tokio::select! {
            biased;
            link = pool::take(&self.pool, preamble.deadline, |count| self.wish(count)) => link?,
            Ok(()) = failed.changed() => return Err(LanOpenError::Unreachable(failed.borrow().clone())),
        };
        let (send, recv) = halves::begin(&link);
        let stream = Stream::new(send, recv, OpenStream::count(&self.streams));
        Ok(tunnel::begin(stream, preamble, first).await?)
    }

    fn wish(&self, count: u16) {
        // A full queue holds enough wishes already.
        let _enough = self.wishes.try_send(count).is_err();
    }

    /// Breaks all connections, also those in use.
    pub fn close(&self) {
        self.pool.close();
    }
}
