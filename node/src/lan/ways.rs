//! From this node to its peers: connections that are made at the first stream and kept for the next.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tunnel::pump::{self, Patience};
use tunnel::tls::lan::LanDialer;
use tunnel::{Answer, Preamble, ServerId, Status, Stream, StreamError};

use super::file::Peer;
use crate::me::Me;
use crate::status::LastError;

/// A peer on the same LAN that takes longer than this is down.
const AT_MOST: Duration = Duration::from_secs(5);

/// The ways that are open, or failed lately.
#[derive(Debug)]
pub(crate) struct Ways {
    me: Arc<Me>,
    known: Mutex<HashMap<ServerId, Way>>,
}

/// A way to one peer, as lan.json described it.
#[derive(Debug)]
struct Way {
    peer: Peer,
    /// Made when a stream wants it, and again after a failure: its address is looked up anew then.
    dialer: Option<Arc<LanDialer>>,
    trouble: Option<LastError>,
}

impl Ways {
    pub(crate) fn new(me: Arc<Me>) -> Self {
        Self { me, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ServerId, Way>> {
        // Every change is one insertion or assignment.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn trouble(&self, server: &ServerId) -> Option<LastError> {
        self.known().get(server)?.trouble.clone()
    }

    /// Hands a stream on, and pumps it to its end. What the peer refuses is refused with the peer's own words.
    pub(crate) async fn hand_on(
        &self,
        server: &ServerId,
        peer: &Peer,
        preamble: Preamble,
        mut stream: Stream,
    ) {
        let onward = Preamble { hops: preamble.hops + 1, ..preamble };
        let deadline = onward.deadline.min(AT_MOST);
        let opened = tokio::time::timeout(deadline, self.open(server, peer, &onward)).await;
        let failure = match opened {
            Ok(Ok(mut onward)) => {
                if stream.answer(&Answer::ok()).await.is_err() {
                    return onward.reset(pump::RESET_SOCKET);
                }
                pump::onward(onward, stream, Patience::default()).await;
                return;
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Way(format!("no answer within {deadline:.1?}")),
        };
        let answer = match failure {
            Failure::Refused(answer) => answer,
            Failure::Way(why) => {
                self.failed(server, &why);
                Answer::refused(Status::Unreachable, format!("{server} does not answer on the LAN: {why}"))
            }
        };
        tracing::info!(trace = %onward.trace, %server, reason = answer.reason, "a stream is not handed on");
        // The opener may be gone; then nobody waits for the answer.
        drop(stream.answer(&answer).await);
    }

    /// A stream that the peer answered with `ok`.
    async fn open(&self, server: &ServerId, peer: &Peer, preamble: &Preamble) -> Result<Stream, Failure> {
        let dialer = self.dialer(server, peer).await?;
        let mut onward = dialer.open(preamble, Bytes::new()).await.map_err(Failure::way)?;
        match onward.answered().await {
            Ok(()) => Ok(onward),
            Err(StreamError::Refused { status, reason }) => {
                Err(Failure::Refused(Answer::refused(status, reason)))
            }
            Err(error) => Err(Failure::way(error)),
        }
    }

    async fn dialer(&self, server: &ServerId, peer: &Peer) -> Result<Arc<LanDialer>, Failure> {
        let usable = |way: &Way| way.dialer.clone().filter(|_| way.peer == *peer);
        if let Some(dialer) = self.known().get(server).and_then(usable) {
            return Ok(dialer);
        }
        let address = look_up(peer).await?;
        let Me { start, shards, .. } = &*self.me;
        let made = LanDialer::new(address, &peer.key, &start.identity.key, shards).map_err(Failure::way)?;
        let mut known = self.known();
        // Another stream may have been faster.
        if let Some(dialer) = known.get(server).and_then(usable) {
            return Ok(dialer);
        }
        let dialer = Arc::new(made);
        let trouble = known.get(server).and_then(|way| way.trouble.clone());
        known.insert(server.clone(), Way { peer: peer.clone(), dialer: Some(dialer.clone()), trouble });
        Ok(dialer)
    }

    /// Streams that are open keep the dialer that they came from.
    fn failed(&self, server: &ServerId, why: &str) {
        if let Some(way) = self.known().get_mut(server) {
            way.dialer = None;
            way.trouble = Some(LastError { at: Timestamp::now(), what: why.to_owned() });
        }
    }

    /// Forgets the ways to peers that `keep` does not hold for.
    pub(crate) fn retain(&self, keep: impl Fn(&ServerId, &Peer) -> bool) {
        self.known().retain(|server, way| keep(server, &way.peer));
    }
}

/// Why a stream was not handed on.
#[derive(Debug)]
enum Failure {
    /// The peer said no.
    Refused(Answer),
    /// The peer was not reached.
    Way(String),
}

impl Failure {
    fn way(why: impl std::fmt::Display) -> Self {
        Self::Way(why.to_string())
    }
}

async fn look_up(peer: &Peer) -> Result<SocketAddr, Failure> {
    let address = peer.connect.as_ref().ok_or_else(|| Failure::way("lan.json names no address for it"))?;
    let mut found =
        tokio::net::lookup_host((address.host.as_str(), address.port)).await.map_err(Failure::way)?;
    found.next().ok_or_else(|| Failure::Way(format!("{address} has no address")))
}
