//! HTTP/1.1 or HTTP/2 on one client connection, with every limit that hyper leaves open.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::Either;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::TraceId;

use super::answer::wants_html;
use super::listen::Socket;
use super::reply::{Reply, refusal};
use super::stall::watched;
use super::strict::Strict;

/// For the whole head of a request, and between requests of HTTP/1.1.
pub const HEAD: Duration = Duration::from_secs(10);
/// For a request's head: cookies of 8 KiB and a path of 8 KiB leave room for four times as much.
pub const HEAD_BYTES: usize = 64 * 1024;
/// HTTP/2 counts 32 bytes on top for each header (RFC 9113 §10.5.1).
const HEADER_LIST: u32 = 32 * 1024;
pub(super) const HEADERS: usize = 100;
/// hyper's own limit: `strict` answers before it is reached.
const BUFFER: usize = HEAD_BYTES + 16 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 100;
/// Streams that the client reset before we looked at them (CVE-2023-44487), and that we reset for its mistakes.
const RESETS: usize = 20;
const MISTAKES: usize = 64;
/// A vanished client is noticed after two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// What the connections of one gateway have in common.
#[derive(Clone, Debug, Default)]
pub struct Serving {
    pub tasks: TaskTracker,
    /// No new requests: HTTP/2 is told to go away, HTTP/1.1 is closed after its current request.
    pub drain: CancellationToken,
    /// Open requests end too.
    pub cut: CancellationToken,
}

impl Serving {
    /// Lets what is open finish for `deadline`, then cuts it.
    pub async fn drain(&self, deadline: Duration) {
        self.drain.cancel();
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait()).await.is_err() {
            tracing::info!(open = self.tasks.len(), "connections are cut after {deadline:?}");
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

/// Streams of HTTP/2 run as tasks that are counted, on the thread of their connection, and end with a client that does
/// not read.
#[derive(Clone, Debug)]
struct Tracked {
    tasks: TaskTracker,
    write: Duration,
}

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.tasks.spawn(watched(task, self.write));
    }
}

/// Serves one connection until it ends, is drained, or is cut. `write`: for how long a client may take nothing.
pub(super) async fn serve<F, A>(socket: Socket, serving: Serving, write: Duration, answer: F)
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Reply>> + Send + 'static,
{
    let asked = Arc::new(AtomicBool::new(false));
    let mark = asked.clone();
    // The protocol was agreed in the TLS handshake, so nothing is guessed from the first bytes.
    let h2 = socket.get_ref().1.alpn_protocol() == Some(b"h2");
    let (socket, refused) = Strict::new(socket, h2);
    let service = service_fn(move |request: Request<Incoming>| {
        mark.store(true, Ordering::Relaxed);
        let answered = match refused.next() {
            Some(problem) => {
                let (html, head) = (wants_html(request.headers()), *request.method() == Method::HEAD);
                Either::Left(ready(refusal(&problem, html, head, TraceId::random())))
            }
            None => Either::Right(answer(request)),
        };
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let builder = builder(h2, &serving, write);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let silent = async {
        tokio::time::sleep(HEAD).await;
        if asked.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    tokio::pin!(silent);
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            () = serving.cut.cancelled() => return,
            () = serving.drain.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "client connection ended");
                }
                return;
            }
            // HTTP/2 has no limit of its own before its first request.
            () = &mut silent => return,
        }
    }
}

fn builder(h2: bool, serving: &Serving, write: Duration) -> auto::Builder<Tracked> {
    let mut builder = auto::Builder::new(Tracked { tasks: serving.tasks.clone(), write });
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(HEADERS)
        .max_buf_size(BUFFER)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(MISTAKES)
        .max_header_list_size(HEADER_LIST)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .enable_connect_protocol();
    if h2 { builder.http2_only() } else { builder.http1_only() }
}
