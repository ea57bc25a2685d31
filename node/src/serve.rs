//! Takes streams off a tunnel and gives each its own task, on the thread that the tunnel lives on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tunnel::shard::Shard;
use tunnel::{Answer, Close, Incoming, Preamble, Status, Stream, Tunnel};

use crate::lan::Ways;
use crate::table::{Entry, Route, Table};
use crate::upstream;

/// What every stream of this node shares.
#[derive(Debug)]
pub(crate) struct Desk {
    table: ArcSwap<Table>,
    /// Open streams; shutdown waits for them.
    streams: TaskTracker,
    places: Arc<Semaphore>,
    draining: AtomicBool,
    resting: AtomicBool,
    ways: Ways,
}

impl Desk {
    /// At most `places` streams at a time, over all tunnels.
    pub(crate) fn new(table: Table, places: usize, ways: Ways) -> Self {
        Self {
            table: ArcSwap::from_pointee(table),
            streams: TaskTracker::new(),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            draining: AtomicBool::new(false),
            resting: AtomicBool::new(false),
            ways,
        }
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    pub(crate) fn set_table(&self, table: Table) {
        self.ways.retain(|server, peer| table.has_peer(server, peer));
        self.table.store(Arc::new(table));
    }

    pub(crate) fn ways(&self) -> &Ways {
        &self.ways
    }

    pub(crate) fn open_streams(&self) -> usize {
        self.streams.len()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether an administrator takes this node out of service: gateways are asked to lead new streams elsewhere, and
    /// what comes all the same is served.
    pub(crate) fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Relaxed)
    }

    /// Returns what it was.
    pub(crate) fn set_resting(&self, resting: bool) -> bool {
        self.resting.swap(resting, Ordering::Relaxed)
    }

    /// Refuses new streams from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.streams.close();
    }

    /// Waits, after [`Self::drain`], until no stream is open.
    pub(crate) async fn drained(&self) {
        self.streams.wait().await;
    }

    /// Serves the streams of `tunnel` until it closes, and calls `opened` for each.
    pub(crate) async fn serve_tunnel(self: Arc<Self>, tunnel: Tunnel, opened: impl Fn()) -> Close {
        loop {
            match tunnel.accept().await {
                Ok(incoming) => {
                    opened();
                    self.streams.spawn(self.clone().serve_stream(incoming));
                }
                Err(close) => return close,
            }
        }
    }

    /// Serves a stream that came from a peer on the LAN.
    pub(crate) fn take(self: Arc<Self>, incoming: Incoming, shard: &Shard) {
        let serving = self.clone().serve_stream(incoming);
        self.streams.spawn_on(serving, shard.handle());
    }

    /// What happens once, before bytes flow, is boxed and freed, and what serves then is boxed to its own size: a stream is
    /// held far longer than it is opened.
    async fn serve_stream(self: Arc<Self>, incoming: Incoming) {
        if let Some(serving) = Box::pin(self.open(incoming)).await {
            serving.await;
        }
    }

    async fn open(self: Arc<Self>, incoming: Incoming) -> Option<BoxFuture<'static, ()>> {
        match incoming.preamble().await {
            Ok(Some((preamble, stream))) => self.serve_named(preamble, stream).await,
            Ok(None) => None,
            Err(error) => {
                tracing::info!(%error, "a stream without a usable preamble is dropped");
                None
            }
        }
    }

    async fn serve_named(
        self: Arc<Self>,
        preamble: Preamble,
        mut stream: Stream,
    ) -> Option<BoxFuture<'static, ()>> {
        let (place, route) = match self.admit(&preamble) {
            Ok(admitted) => admitted,
            Err(answer) => {
                let (status, reason) = (answer.status, &answer.reason);
                tracing::info!(trace = %preamble.trace, ?status, reason, "a stream is refused");
                // The opener may be gone; then nobody waits for the answer.
                drop(stream.answer(&answer).await);
                return None;
            }
        };
        Some(match route {
            Route::Serve(Entry::Local(service)) => {
                let serving = upstream::serve(&preamble.service, &service, stream, &preamble).await?;
                let (trace, name) = (preamble.trace, preamble.service);
                let ended = move |outcome| {
                    drop(place);
                    tracing::debug!(%trace, service = name, ?outcome, "a stream ended");
                };
                serving.map(ended).boxed()
            }
            Route::Serve(Entry::BuiltIn(handler)) => {
                stream.answer(&Answer::ok()).await.ok()?;
                handler.serve(stream, preamble).map(|()| drop(place)).boxed()
            }
            Route::HandOn(server, peer) => {
                let serving = async move {
                    self.ways.hand_on(&server, &peer, preamble, stream).await;
                    drop(place);
                };
                serving.boxed()
            }
        })
    }

    fn admit(&self, preamble: &Preamble) -> Result<(tokio::sync::OwnedSemaphorePermit, Route), Answer> {
        if self.is_draining() {
            return Err(Answer::refused(Status::Draining, "this node is going away; try again in a moment"));
        }
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            Answer::refused(Status::Busy, "this node has as many streams open as it may; try again later")
        })?;
        Ok((place, self.table.load().route(preamble)?))
    }
}
