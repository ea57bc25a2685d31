//! The socket and who is served on it.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::{Asker, Peer, Problem};

/// Connections at a time: some people who look, and some who follow a log.
const CONNECTIONS: usize = 64;
/// From the connection to the end of the question. Answers may last: only this machine's administrator can ask.
const PATIENCE: Duration = Duration::from_secs(10);

/// The socket; removed when dropped, and what is under way on it ended.
#[derive(Debug)]
pub struct AdminSocket {
    path: PathBuf,
    routes: Arc<ArcSwap<Router>>,
    _serving: AbortOnDropHandle<()>,
}

impl AdminSocket {
    /// Takes the place of what a killed process left behind. The socket is never there with another mode than 0600.
    pub fn start(path: &Path, routes: Router) -> io::Result<Self> {
        Self::start_with(path, routes, 0o600)
    }

    /// The same for all accounts of this machine: the routes ask for [`Peer`], and decide.
    pub fn start_for_all(path: &Path, routes: Router) -> io::Result<Self> {
        Self::start_with(path, routes, 0o666)
    }

    fn start_with(path: &Path, routes: Router, mode: u32) -> io::Result<Self> {
        let listener = bind(path, mode)?;
        let routes = Arc::new(ArcSwap::from_pointee(routes.fallback(unknown)));
        let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, Arc::clone(&routes))));
        Ok(Self { path: path.to_owned(), routes, _serving: serving })
    }

    /// Also answers these, from now on. Two routes with one path are a mistake of this program.
    pub fn add(&self, routes: Router) {
        let all = self.routes.load().as_ref().clone().merge(routes);
        self.routes.store(Arc::new(all));
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.path);
    }
}

fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = path.with_file_name(format!(".{name}.{}", std::process::id()));
    match std::fs::remove_file(&hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&hidden)?;
    std::fs::set_permissions(&hidden, Permissions::from_mode(mode))?;
    std::fs::rename(&hidden, path)?;
    Ok(listener)
}

async fn serve(listener: UnixListener, routes: Arc<ArcSwap<Router>>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((socket, _)) => {
                let routes = routes.load().as_ref().clone();
                connections.spawn(async move {
                    serve_one(socket, routes).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the admin socket cannot accept");
                // Out of file descriptors: at once it would only fail again.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_one(socket: UnixStream, routes: Router) {
    let Ok(peer) = socket.peer_cred() else { return };
    let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
    let routes = routes.layer(Extension(Peer { uid: peer.uid(), pid }));
    let routes = routes.layer(Extension(Asker::of(peer.uid())));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(routes))
        .with_upgrades();
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to the admin socket broke");
    }
}

async fn unknown(uri: http::Uri) -> Problem {
    let next = "run a fastx of the same version as the service";
    Problem::not_found(format!("this service knows no {}", uri.path()), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_private_and_replaces_a_left_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.sock");
        std::mem::forget(bind(&path, 0o600).unwrap());
        let socket = AdminSocket::start(&path, Router::new()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
