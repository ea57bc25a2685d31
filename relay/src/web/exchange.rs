//! One request and its response, as HTTP/1.1 inside a tunnel's stream.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;
use tunnel::ServerId;
use tunnel::shard::Shard;

use super::answer::Problem;
use super::late::Late;
use super::pace::LEAST_RATE;
use super::reply::Exchange;
use super::upload::Meter;
use crate::route::Want;
use crate::router::{Opened, Router};

/// A server's headers fit into this, as a client's do.
const BUFFER: usize = 64 * 1024;
const HEADERS: usize = 100;
/// To the head of the response, after the body last moved. Long: a page may wait for a session to start.
const RESPONSE: Duration = Duration::from_secs(120);

/// A server's response, of which the head is here.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    pub(super) exchange: Exchange,
    pub(super) server: ServerId,
    /// Where the stream lives.
    pub(super) home: Shard,
}

/// Finds a way, sends `request` in the flight that opens the stream, and waits for the head of the response.
///
/// # Errors
/// What the client is told instead.
pub(super) async fn exchange<B>(
    router: &Router,
    want: &Want,
    request: Request<B>,
    meter: Arc<Meter>,
) -> Result<Answered, Problem>
where
    B: Body<Data = Bytes, Error: Error + Send + Sync> + Send + Unpin + 'static,
{
    let (late, caught, open) = Late::new();
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER).max_headers(HEADERS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(late)).await.map_err(|_| UNSENDABLE)?;
    let mut connection = connection.with_upgrades();
    let response = sender.send_request(request);
    let first = first(&mut connection, caught).await?;
    let Opened { stream, server, home } = router.open(want, first).await?;
    meter.opened.store(true, Ordering::Relaxed);
    // The connection that it goes to is right here.
    let _there = open.send(stream);
    let exchange = AbortOnDropHandle::new(home.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a server's response broke off");
        }
    }));
    let response = head(response, &server, &meter).await?;
    Ok(Answered { response, exchange, server, home })
}

const UNSENDABLE: Problem = Problem::BadRequest("it ended before its head could be sent on");

/// Runs the connection until it has written the head of the request.
async fn first(
    connection: &mut (impl Future<Output = hyper::Result<()>> + Unpin),
    caught: oneshot::Receiver<Bytes>,
) -> Result<Bytes, Problem> {
    tokio::select! {
        biased;
        // Only the client's body can end it now.
        _ended = connection => Err(UNSENDABLE),
        first = caught => first.map_err(|_| UNSENDABLE),
    }
}

/// Waits for the head of the response, for [`RESPONSE`] after the body last moved.
async fn head(
    response: impl Future<Output = hyper::Result<Response<Incoming>>>,
    server: &ServerId,
    meter: &Meter,
) -> Result<Response<Incoming>, Problem> {
    tokio::pin!(response);
    loop {
        let moved = meter.moved.load(Ordering::Relaxed);
        match tokio::time::timeout(RESPONSE, &mut response).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(_)) if meter.too_slow.load(Ordering::Relaxed) => {
                return Err(Problem::SlowRequest(LEAST_RATE));
            }
            Ok(Err(error)) => {
                return Err(Problem::BrokeOff { server: server.clone(), reason: reason(&error) });
            }
            Err(_) if meter.moved.load(Ordering::Relaxed) != moved => {}
            Err(_) => return Err(Problem::TooLate { server: server.clone() }),
        }
    }
}

/// The innermost reason: hyper's own words for it say only where it happened.
fn reason(error: &hyper::Error) -> String {
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// Whether a response may go to somebody who did not ask for another protocol.
pub(super) fn is_ordinary(status: StatusCode) -> bool {
    !status.is_informational()
}
