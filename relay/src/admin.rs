//! HTTP for administrators and monitoring: everything on a unix socket, and what changes nothing on loopback too.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tunnel::ServerId;

use crate::admission::{ChangeError, Verdict};
use crate::gateway::Gateway;
use crate::listen::BindError;

/// Name of the socket in the local folder.
pub const SOCKET: &str = "gateway.sock";
/// Administrators and scrapers at once.
const AT_ONCE: usize = 64;
/// For the head of a request.
const HEAD: Duration = Duration::from_secs(5);

/// Why there is no admin socket.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("another gateway runs with this local folder: it answers on {}", .0.display())]
    Running(PathBuf),
    #[error("cannot listen on {}: {source}", path.display())]
    Socket { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Metrics(#[from] BindError),
}

/// An answer that is no data: what was done, or why not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    pub message: String,
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// The unix socket, which only the gateway's own user can open.
    Owner,
    /// Anybody on this machine.
    Loopback,
}

/// Starts the admin socket, and the loopback port if there is one.
pub(crate) async fn start(gateway: &Gateway) -> Result<(), AdminError> {
    let path = gateway.dirs().local(SOCKET);
    let socket = bind(&path).await?;
    let admin = gateway.clone();
    gateway.keep(async move {
        let mut serving = JoinSet::new();
        loop {
            match socket.accept().await {
                Ok((io, _)) => serve(&mut serving, &admin, io, From::Owner),
                Err(error) => pause(&error).await,
            }
        }
    });
    if let Some(address) = gateway.settings().metrics {
        let bound = TcpListener::bind(address.0).await;
        let listener = bound.map_err(|error| BindError::new("`metrics`", "TCP", address.0, error))?;
        let admin = gateway.clone();
        gateway.keep(async move {
            let mut serving = JoinSet::new();
            loop {
                match listener.accept().await {
                    Ok((io, _)) => serve(&mut serving, &admin, io, From::Loopback),
                    Err(error) => pause(&error).await,
                }
            }
        });
    }
    Ok(())
}

/// A socket file outlives a killed process; one that answers belongs to a living one.
async fn bind(path: &PathBuf) -> Result<UnixListener, AdminError> {
    let failed = |source| AdminError::Socket { path: path.clone(), source };
    if tokio::net::UnixStream::connect(path).await.is_ok() {
        return Err(AdminError::Running(path.clone()));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // The folder is the owner's only, so nobody opens the socket before it gets its mode.
    let socket = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(socket)
}

async fn pause(error: &io::Error) {
    tracing::warn!(%error, "the admin socket cannot accept");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Serves one connection; one too many is closed at once.
fn serve<I>(serving: &mut JoinSet<()>, gateway: &Gateway, io: I, from: From)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    while serving.try_join_next().is_some() {}
    if serving.len() >= AT_ONCE {
        return;
    }
    let gateway = gateway.clone();
    serving.spawn(async move {
        let service = service_fn(move |request| {
            let gateway = gateway.clone();
            async move { Ok::<_, Infallible>(answer(&gateway, &request, from).await) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEAD);
        if let Err(error) = server.serve_connection(TokioIo::new(io), service).await {
            tracing::debug!(%error, "an admin connection broke");
        }
    });
}

async fn answer(gateway: &Gateway, request: &Request<Incoming>, from: From) -> Response<Full<Bytes>> {
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    match (request.method(), &path[..]) {
        (&Method::GET, ["livez"]) => text(StatusCode::OK, "live\n"),
        (&Method::GET, ["readyz"]) => match gateway.readiness() {
            Ok(()) => text(StatusCode::OK, "ready\n"),
            Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        },
        (&Method::GET, ["metrics"]) => metrics(gateway),
        _ if from == From::Loopback => said(StatusCode::NOT_FOUND, "here are /livez, /readyz and /metrics"),
        (&Method::GET, ["status"]) => json(StatusCode::OK, &gateway.status()),
        (&Method::GET, ["nodes"]) => json(StatusCode::OK, &gateway.nodes()),
        (&Method::POST, ["nodes", id, "revoke"]) => change(gateway, id, Verdict::Revoke).await,
        (&Method::POST, ["nodes", id, "restore"]) => change(gateway, id, Verdict::Restore).await,
        (&Method::POST, ["nodes", id, "forget"]) => change(gateway, id, Verdict::Forget).await,
        (&Method::POST, ["reload"]) => match gateway.reload() {
            Ok(()) => said(StatusCode::OK, "the configuration is reloaded"),
            Err(error) => said(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
        },
        (&Method::POST, ["drain"]) => {
            gateway.ask_to_drain();
            said(StatusCode::ACCEPTED, "the gateway drains and ends")
        }
        _ => said(
            StatusCode::NOT_FOUND,
            "here are /livez /readyz /metrics /status /nodes, POST /reload and /drain",
        ),
    }
}

async fn change(gateway: &Gateway, id: &str, verdict: Verdict) -> Response<Full<Bytes>> {
    let id = match ServerId::new(id) {
        Ok(id) => id,
        Err(error) => return said(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let done = match verdict {
        Verdict::Revoke => "is revoked",
        Verdict::Restore => "may connect again",
        Verdict::Forget => "is forgotten; the next node of this id is bound to its own key",
    };
    match gateway.change(&id, verdict).await {
        Ok(()) => said(StatusCode::OK, format!("{id} {done}")),
        Err(error @ ChangeError::NoSuchServer(_)) => said(StatusCode::NOT_FOUND, error.to_string()),
        Err(error @ ChangeError::NotStored(_)) => said(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn metrics(gateway: &Gateway) -> Response<Full<Bytes>> {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    respond(StatusCode::OK, kind, gateway.metrics())
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body)
}

fn said(status: StatusCode, message: impl Into<String>) -> Response<Full<Bytes>> {
    json(status, &Said { message: message.into() })
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Full<Bytes>> {
    let mut body = serde_json::to_vec_pretty(value).expect("reports have string keys");
    body.push(b'\n');
    respond(status, "application/json", body)
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header(http::header::CONTENT_TYPE, kind);
    response.body(Full::new(body.into())).expect("these headers are valid")
}
