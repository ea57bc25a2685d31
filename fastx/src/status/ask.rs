//! One HTTP request to the node's admin socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use node::status::Status;
use tokio::net::UnixStream;

/// A node answers within milliseconds, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(5);
/// The status of a node with 1,000 peers has 100 KB.
const LARGEST: usize = 4 * 1024 * 1024;

/// Why there is no status.
#[derive(Debug)]
pub(super) enum NoAnswer {
    Connect { path: PathBuf, source: std::io::Error },
    Slow,
    Http(String),
    Content(serde_json::Error),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect { path, source } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                write!(f, "you may not ask the node (its socket is {}: {source})", path.display())
            }
            Self::Connect { path, source } => {
                write!(
                    f,
                    "the node does not run on this machine (its socket is {}: {source})",
                    path.display()
                )
            }
            Self::Slow => write!(f, "the node runs, and gives no answer within {PATIENCE:?}"),
            Self::Http(error) => write!(f, "the node broke off its answer: {error}"),
            Self::Content(error) => write!(f, "the node's answer is not understood: {error}"),
        }
    }
}

pub(super) fn status(socket: &Path) -> Result<Status, NoAnswer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| NoAnswer::Http(error.to_string()))?;
    runtime.block_on(async { tokio::time::timeout(PATIENCE, get(socket)).await.map_err(|_| NoAnswer::Slow)? })
}

async fn get(socket: &Path) -> Result<Status, NoAnswer> {
    let connected = UnixStream::connect(socket).await;
    let io = connected.map_err(|source| NoAnswer::Connect { path: socket.to_owned(), source })?;
    let body = exchange(io).await.map_err(|error| NoAnswer::Http(error.to_string()))?;
    serde_json::from_slice(&body).map_err(NoAnswer::Content)
}

async fn exchange(io: UnixStream) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    let request = http::Request::get("/status").header("host", "node").body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()).into());
        }
        Ok(Limited::new(response.into_body(), LARGEST).collect().await?.to_bytes())
    };
    let (answer, _ended) = tokio::join!(answer, connection);
    answer
}
