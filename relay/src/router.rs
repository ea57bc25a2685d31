//! From what a client wants to an open stream: choose a way, open, wait for the answer, and try another way while
//! nothing of the client's payload can have reached a service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tunnel::shard::{Shard, Shards};
use tunnel::{Preamble, ServerId, Slot, Stream, Tunnel, Ways};

use crate::error::{RouteError, TryError};
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::retry::{self, Verdict};
use crate::route::{self, Tried, Want, Way};

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

/// The tries for one client.
#[derive(Debug)]
pub(crate) struct Attempt {
    router: Router,
    began: Instant,
    limit: Duration,
    /// Boxed, because most clients need one try only.
    tried: Option<Box<(Tried, RouteError)>>,
}

impl Attempt {
    /// The best way that was not tried; else why there is none, which is what the last try said if there was one.
    pub(crate) fn next(&mut self, want: &Want, here: Option<usize>) -> Result<Way<Tunnel>, RouteError> {
        let inner = &self.router.0;
        let found = if inner.draining.load(Ordering::Relaxed) {
            Err(RouteError::GatewayDraining)
        } else {
            let turn = inner.turn.fetch_add(1, Ordering::Relaxed);
            let none = Tried::default();
            let tried = self.tried.as_ref().map_or(&none, |tried| &tried.0);
            route::choose(&inner.nodes.snapshot(), want, tried, here, turn)
        };
        found.map_err(|error| {
            let error = self.tried.take().map_or(error, |tried| tried.1);
            inner.metrics.stream_refused(&error);
            error
        })
    }

    /// Opens a stream on `slot` and waits for the answer. Once payload was sent there is no other way, so the stream may
    /// wait until its own way is there again.
    async fn open(
        &self,
        want: &Want,
        way: &Way<Tunnel>,
        slot: Slot,
        first: &Bytes,
    ) -> Result<(Stream, Shard), TryError> {
        let (preamble, home) = (self.preamble(want, way), slot.home().clone());
        let opening = async {
            let mut stream = slot.open_surviving(&preamble, first.clone(), self.ways(way)).await?;
            stream.answered().await?;
            Ok((stream, home))
        };
        if first.is_empty() {
            return self.within(way, opening).await;
        }
        let opened = tokio::time::timeout(self.left(), opening).await;
        opened.unwrap_or(Err(TryError::Deadline(self.limit)))
    }

    pub(crate) fn preamble(&self, want: &Want, way: &Way<Tunnel>) -> Preamble {
        Preamble {
            destination: way.server.clone(),
            service: want.service.as_ref().to_owned(),
            client: want.client,
            deadline: self.left(),
            trace: want.trace,
            hops: 0,
            life: tunnel::Life::Once,
        }
    }

    /// Where the stream goes on when its tunnel is lost.
    pub(crate) fn ways(&self, way: &Way<Tunnel>) -> Ways {
        let (nodes, holder, generation) = (self.router.0.nodes.clone(), way.holder().clone(), way.generation);
        Arc::new(move || route::resume(&nodes.snapshot(), &holder, generation))
    }

    /// Time left of `limits.open`.
    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.began.elapsed())
    }

    /// Runs one try with the time that is left, and while the node is heard: an open that waits for a dead tunnel
    /// could have another.
    pub(crate) async fn within<T>(
        &self,
        way: &Way<Tunnel>,
        one: impl Future<Output = Result<T, TryError>>,
    ) -> Result<T, TryError> {
        let heard = way.link.way();
        tokio::select! {
            biased;
            tried = tokio::time::timeout(self.left(), one) => {
                tried.unwrap_or(Err(TryError::Deadline(self.limit)))
            }
            () = async {
                // A doubtful way was chosen for want of a better one, and is left when it is doubtful again.
                heard.leaves(tunnel::Way::Doubtful).await;
                heard.leaves(tunnel::Way::Good).await;
            } => Err(TryError::Silent),
        }
    }

    pub(crate) fn opened(&self) {
        self.router.0.metrics.stream_opened(self.began.elapsed());
    }

    /// Notes a failed try; `Ok`: another one is worth it. `sent`: payload may have reached a service.
    pub(crate) fn failed(
        &mut self,
        want: &Want,
        way: Way<Tunnel>,
        error: TryError,
        sent: bool,
    ) -> Result<(), RouteError> {
        let verdict = retry::verdict(&error, want.server.is_some(), way.via.is_some(), sent);
        let mut tried = self.tried.take().map_or_else(Tried::default, |tried| tried.0);
        let tries = tried.links.len() + tried.holders.len() + 1;
        tracing::debug!(trace = %want.trace, server = %way.server, via = ?way.via, %error, "a try failed");
        match verdict {
            Verdict::OtherLink => tried.links.push(way.link.id().to_owned()),
            Verdict::OtherHolder => tried.holders.push(way.holder().clone()),
            Verdict::Final => {}
        }
        let error = retry::explain(error, way.server);
        if verdict == Verdict::Final || tries >= retry::TRIES {
            self.router.0.metrics.stream_refused(&error);
            return Err(error);
        }
        self.router.0.metrics.stream_retried();
        self.tried = Some(Box::new((tried, error)));
        Ok(())
    }
}
