//! Questions of the command line to the service on this machine, over its unix socket: the only way it asks anything.

mod no_answer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use config::Dirs;
use http::Method;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use node::admin::Failed;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

pub(crate) use self::no_answer::NoAnswer;

/// A service answers within milliseconds, unless it hangs; one that asks a manager waits for it up to 10 s.
const PATIENCE: Duration = Duration::from_secs(15);
/// A thousand servers of 16 KB each.
const LARGEST: usize = 64 * 1024 * 1024;

/// The socket of the node on this machine; where there is none, that of its manager, also of one that does not run.
pub(crate) fn socket(dirs: &Dirs) -> PathBuf {
    let [node, manager] = ["node.sock", "manager.sock"].map(|name| dirs.local(name));
    let manages = || manager.exists() || dirs.config("manager.json").exists();
    if !node.exists() && manages() { manager } else { node }
}

/// `GET path`.
pub(crate) fn get<T: DeserializeOwned>(socket: &Path, path: &str) -> Result<T, NoAnswer> {
    ask(socket, Method::GET, path, Bytes::new())
}

/// Any other question; `body` is JSON, or nothing.
pub(crate) fn ask<T: DeserializeOwned>(
    socket: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<T, NoAnswer> {
    block_on(asked(socket, method, path, body))?
}

/// A question whose answer takes its time.
pub(crate) fn ask_within<T: DeserializeOwned>(
    patience: Duration,
    socket: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<T, NoAnswer> {
    read(&block_on(in_time(patience, exchange(socket, method, path, body)))??)
}

/// `GET path`, whose answer is no JSON.
pub(crate) fn bytes(socket: &Path, path: &str) -> Result<Bytes, NoAnswer> {
    block_on(in_time(PATIENCE, exchange(socket, Method::GET, path, Bytes::new())))?
}

fn block_on<T>(asked: impl Future<Output = T>) -> Result<T, NoAnswer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| NoAnswer::Http(error.to_string()))?.block_on(asked))
}

async fn in_time(
    patience: Duration,
    answer: impl Future<Output = Result<Bytes, NoAnswer>>,
) -> Result<Bytes, NoAnswer> {
    tokio::time::timeout(patience, answer).await.map_err(|_| NoAnswer::Slow)?
}

/// A change that has nothing to say is answered with nothing.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, NoAnswer> {
    let body = if body.is_empty() { &b"null"[..] } else { body };
    serde_json::from_slice(body).map_err(NoAnswer::Content)
}

/// The same, for who asks many.
pub(crate) async fn asked<T: DeserializeOwned>(
    socket: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<T, NoAnswer> {
    read(&in_time(PATIENCE, exchange(socket, method, path, body)).await?)
}

async fn exchange(socket: &Path, method: Method, path: &str, body: Bytes) -> Result<Bytes, NoAnswer> {
    let connected = UnixStream::connect(socket).await;
    let io = connected.map_err(|source| NoAnswer::Connect { path: socket.to_owned(), source })?;
    let broke = |error: hyper::Error| NoAnswer::Http(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(broke)?;
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "fastx")
        .header("content-type", "application/json")
        .body(Full::new(body))
        .map_err(|error| NoAnswer::Http(error.to_string()))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(broke)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| NoAnswer::Http(error.to_string()))?.to_bytes();
        if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
    };
    let (answer, _ended) = tokio::join!(answer, connection);
    answer
}

/// Why it did not do what it was asked for.
pub(crate) async fn refused_by(response: http::Response<hyper::body::Incoming>) -> NoAnswer {
    let status = response.status();
    match Limited::new(response.into_body(), LARGEST).collect().await {
        Ok(body) => refused(status, &body.to_bytes()),
        Err(error) => NoAnswer::Http(error.to_string()),
    }
}

fn refused(status: http::StatusCode, body: &[u8]) -> NoAnswer {
    match serde_json::from_slice(body) {
        Ok(Failed { error }) => NoAnswer::Refused(error),
        Err(_) => NoAnswer::Http(format!("status {status}: {}", String::from_utf8_lossy(body).trim())),
    }
}
