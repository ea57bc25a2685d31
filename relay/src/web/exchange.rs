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
use tokio_util::task::AbortOnDropHandle;

use super::answer::Problem;
use super::pace::LEAST_RATE;
use super::reply::Exchange;
use super::upload::Meter;
use crate::router::Opened;

/// A server's headers fit into this, as a client's do.
const BUFFER: usize = 64 * 1024;
const HEADERS: usize = 100;

/// Sends `request` and waits for the head of the response, for `patience` after the body last moved.
///
/// # Errors
/// What the client is told instead.
pub(super) async fn exchange<B>(
    opened: Opened,
    request: Request<B>,
    meter: Arc<Meter>,
    patience: Duration,
) -> Result<(Response<Incoming>, Exchange), Problem>
where
    B: Body<Data = Bytes, Error: Error + Send + Sync> + Send + Unpin + 'static,
{
    let Opened { server, stream, home } = opened;
    let broke = |error: &hyper::Error| Problem::BrokeOff { server: server.clone(), reason: reason(error) };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER).max_headers(HEADERS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|e| broke(&e))?;
    let exchange = AbortOnDropHandle::new(home.spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a server's response broke off");
        }
    }));
    let response = sender.send_request(request);
    tokio::pin!(response);
    loop {
        let moved = meter.moved.load(Ordering::Relaxed);
        match tokio::time::timeout(patience, &mut response).await {
            Ok(Ok(response)) => return Ok((response, exchange)),
            Ok(Err(_)) if meter.too_slow.load(Ordering::Relaxed) => {
                return Err(Problem::SlowRequest(LEAST_RATE));
            }
            Ok(Err(error)) => return Err(broke(&error)),
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
