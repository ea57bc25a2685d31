//! What people see on a server: the pages and their HTTP API, served on any byte stream.
//!
//! Only the gateway and the relay reach the portal, so it believes the `X-Forwarded-*` headers that they set. All links
//! of the pages are relative: the same pages work below `/` and below `/@SERVERID/`.

mod administration;
mod admit;
mod api;
mod assets;
mod attempts;
mod conversation;
mod cookie;
mod error;
mod guest;
mod headers;
mod key;
mod logins;
mod oidc;
mod openapi;
mod origin;
pub mod people;
mod sessions;
mod sign_in;
mod tokens;
mod turns;
mod version;
mod viewer;
mod visits;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use node::session::Sessions;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::identity::{Secret, ServerId};

use crate::administration::Administration;
use crate::attempts::Attempts;
use crate::conversation::{Conversations, Dialogue};
use crate::oidc::{Sent, UnderWay};
use crate::people::Register;
use crate::sessions::tickets::Trip;
use crate::tokens::Tokens;
use crate::turns::Turns;
use crate::visits::Visits;

pub use crate::key::KeyError;
pub use crate::logins::Logins;

/// From the first byte, or the last answer, to the end of the next request's headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Request line and headers, bytes. Browsers send 1 to 2 KB, with many cookies up to 16 KB.
const LARGEST_HEAD: usize = 32 * 1024;
/// Viewers on one server at a time, all sessions together.
const MOST_VIEWERS: usize = 256;

/// Screens that are read at a time for their cards.
const PICTURES: usize = 2;

/// The portal of one server. Cheap to clone.
#[derive(Clone)]
pub struct Portal {
    app: Router,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Portal({})", self.shared.server)
    }
}

/// What all requests have in common.
pub(crate) struct Shared {
    server: ServerId,
    sessions: Sessions,
    key: Secret,
    people: Register,
    logins: Logins,
    visits: Visits,
    tokens: Tokens,
    attempts: Mutex<Attempts>,
    conversations: Mutex<Conversations<Dialogue>>,
    turns: Turns,
    under_way: Mutex<UnderWay<Sent>>,
    /// A comparison takes 19 MiB and some 20 ms.
    passwords: Semaphore,
    viewers: Arc<Semaphore>,
    pictures: Semaphore,
    administration: Administration,
    /// Visits by which sessions are opened with tickets.
    trips: Mutex<Vec<Trip>>,
    /// End links, and what tickets opened, with the visits of who made them.
    links: Mutex<JoinSet<()>>,
}

/// One byte stream that the portal serves. What it started ends with it.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Option<SocketAddr>,
    viewers: TaskTracker,
    ended: CancellationToken,
}

impl Portal {
    /// For people of this server's own only; see [`Self::with_logins`].
    pub fn new(server: ServerId, local_dir: &Path, sessions: Sessions) -> Result<Self, KeyError> {
        Self::with_logins(server, local_dir, sessions, Logins::own_people())
    }

    /// The portal key is read from `local_dir/portal-key`, or made there (mode 0600).
    pub fn with_logins(
        server: ServerId,
        local_dir: &Path,
        sessions: Sessions,
        logins: Logins,
    ) -> Result<Self, KeyError> {
        let shared = Arc::new(Shared {
            tokens: Tokens::open(&server, local_dir)?,
            server,
            sessions,
            key: key::read_or_make(&local_dir.join("portal-key"))?,
            people: Register::new(local_dir),
            logins,
            visits: Visits::open(&local_dir.join("portal-sessions.json")),
            attempts: Mutex::default(),
            conversations: Mutex::default(),
            turns: Turns::default(),
            under_way: Mutex::default(),
            passwords: Semaphore::new(1),
            viewers: Arc::new(Semaphore::new(MOST_VIEWERS)),
            pictures: Semaphore::new(PICTURES),
            administration: Administration::default(),
            trips: Mutex::default(),
            links: Mutex::default(),
        });
        Ok(Self { app: api::router(shared.clone()), shared })
    }

    /// Admins reach these below `/api`, from now on, if they are below `/balance` or `/forms`; forms are read by everybody. Answers are JSON, errors those of
    /// [`node::admin::Problem`].
    pub fn add_for_admins(&self, routes: Router) {
        self.shared.administration.add(routes);
    }

    /// `base` (`https://host:port/`, or `…/@SERVERID/`) with the portal key in its fragment, which browsers keep to
    /// themselves: who has this address may come in.
    pub fn address(&self, base: &str) -> String {
        format!("{base}#key={}", self.shared.key.expose())
    }

    /// Serves HTTP/1.1 on `io` until the other side is done with it, the viewers that it was upgraded to included.
    /// Dropping the future ends them all.
    pub async fn serve<IO>(&self, io: IO, client: Option<SocketAddr>)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = Connection { client, viewers: TaskTracker::new(), ended: CancellationToken::new() };
        let _ends_viewers = connection.ended.clone().drop_guard();
        let viewers = connection.viewers.clone();
        let app = TowerToHyperService::new(self.app.clone());
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(connection.clone());
            app.call(request)
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(io), service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "portal connection ended early");
        }
        viewers.close();
        viewers.wait().await;
    }
}
