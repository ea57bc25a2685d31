//! The tries for one client: each another way, until one works or none can.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tunnel::shard::Shard;
use tunnel::{Preamble, Slot, Stream, Tunnel, Ways};

use super::Router;
use crate::error::{RouteError, TryError};
use crate::retry::{self, Verdict};
use crate::route::{self, Tried, Want, Way};

/// The tries for one client.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(super) router: Router,
    pub(super) began: Instant,
    pub(super) limit: Duration,
    /// Boxed, because most clients need one try only.
    pub(super) tried: Option<Box<(Tried, RouteError)>>,
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
    pub(super) async fn open(
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
