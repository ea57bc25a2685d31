//! From what a client wants to an open stream: choose a way, open, wait for the answer, and try another way while
//! nothing of the client's payload can have reached a service.

mod attempt;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tunnel::shard::{Shard, Shards};
use tunnel::{ServerId, Stream};

use crate::error::RouteError;
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::route::Want;

pub(crate) use attempt::Attempt;

/// Opens streams to nodes; cheap to clone.
#[derive(Clone, Debug)]
pub struct Router(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    nodes: Arc<Nodes>,
    shards: Shards,
    metrics: Metrics,
    /// Milliseconds: `limits.open`.
    open_within: AtomicU64,
    draining: AtomicBool,
    turn: AtomicUsize,
}

/// A stream whose service answered with yes.
#[derive(Debug)]
pub struct Opened {
    pub stream: Stream,
    pub server: ServerId,
    /// Where the stream is used best.
    pub home: Shard,
}

impl Router {
    pub fn new(nodes: Arc<Nodes>, shards: Shards, metrics: Metrics, open_within: Duration) -> Self {
        let router = Self(Arc::new(Inner {
            nodes,
            shards,
            metrics,
            open_within: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            turn: AtomicUsize::new(0),
        }));
        router.set_open_within(open_within);
        router
    }

    pub fn set_open_within(&self, limit: Duration) {
        let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.0.open_within.store(millis, Ordering::Relaxed);
    }

    /// From now on every new stream is refused.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
        self.0.metrics.set_draining();
    }

    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    pub fn nodes(&self) -> &Arc<Nodes> {
        &self.0.nodes
    }

    pub fn shards(&self) -> &Shards {
        &self.0.shards
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Opens a stream with `first` as its first payload and waits for the answer. A node that refuses, or that nothing
    /// was sent to, does no harm: the next way is tried.
    pub async fn open(&self, want: &Want, first: Bytes) -> Result<Opened, RouteError> {
        let here = self.0.shards.current().map(Shard::index);
        let mut attempt = self.attempt(want);
        loop {
            let way = attempt.next(want, here)?;
            let reserved = attempt.within(&way, async { Ok(way.link.reserve(attempt.left()).await?) }).await;
            let (tried, sent) = match reserved {
                Ok(slot) => (attempt.open(want, &way, slot, &first).await, !first.is_empty()),
                Err(error) => (Err(error), false),
            };
            match tried {
                Ok((stream, home)) => {
                    attempt.opened();
                    return Ok(Opened { stream, server: way.server, home });
                }
                Err(error) => attempt.failed(want, way, error, sent)?,
            }
        }
    }

    /// Begins to look for a way.
    pub(crate) fn attempt(&self, want: &Want) -> Attempt {
        let limit = Duration::from_millis(self.0.open_within.load(Ordering::Relaxed));
        tracing::trace!(trace = %want.trace, service = %want.service, "a client wants a stream");
        Attempt { router: self.clone(), began: Instant::now(), limit, tried: None }
    }
}
