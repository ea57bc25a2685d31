//! The HTTP API, and the pages beside it. Results are `{"result": …}`.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tunnel::identity::Secret;

use crate::attempts::Origin;
use crate::error::ApiError;
use crate::{Connection, Shared, assets, cookie, headers, origin, sessions};

/// A request's body: a key and its name, with room for a longer one.
const LARGEST_BODY: usize = 4096;
const BODY_WITHIN: Duration = Duration::from_secs(10);

pub(crate) type Result<T> = std::result::Result<T, ApiError>;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let inside = Router::new()
        .merge(sessions::router())
        .route("/api/{*rest}", get(nothing).post(nothing))
        .route_layer(middleware::from_fn(only_our_pages))
        .route_layer(middleware::from_fn_with_state(shared.clone(), only_with_key));
    Router::new()
        .route("/api/health", get(health))
        .route("/api/open", post(open))
        .merge(inside)
        .fallback(assets::get)
        .layer(middleware::map_response(headers::add))
        .with_state(shared)
}

async fn health() -> Json<Value> {
    Json(json!({ "result": { "status": "ok" } }))
}

async fn nothing() -> ApiError {
    ApiError::NoSuchAddress
}

async fn only_with_key(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Result<Response> {
    let id = cookie::get(&shared.server, request.headers()).ok_or(ApiError::KeyWanted)?;
    if !shared.visits.holds(&id, SystemTime::now()) {
        return Err(ApiError::KeyWanted);
    }
    Ok(next.run(request).await)
}

/// What changes something, and what shows a session, only our own pages may ask for in a person's name.
async fn only_our_pages(request: Request, next: Next) -> Result<Response> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let shows = request.headers().contains_key(header::UPGRADE);
    if (changes || shows) && !origin::is_ours(request.headers()) {
        return Err(ApiError::OtherSite);
    }
    Ok(next.run(request).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    key: Secret,
}

/// Takes `{"key": …}` and answers with the visit's cookie.
async fn open(
    State(shared): State<Arc<Shared>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    if !origin::is_ours(&headers) {
        return Err(ApiError::OtherSite);
    }
    let from = client(&headers, &connection);
    let attempts = || shared.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    attempts().permit(Instant::now(), from).map_err(ApiError::SlowDown)?;

    let body = read(body, LARGEST_BODY).await?;
    let expected = |_| ApiError::Malformed("expected {\"key\": \"…\"}".to_owned());
    let Open { key } = serde_json::from_slice(&body).map_err(expected)?;
    if !shared.key.matches(&key) {
        attempts().wrong(Instant::now(), from);
        return Err(ApiError::WrongKey);
    }
    attempts().right(from);
    let keeper = shared.clone();
    let id = tokio::task::spawn_blocking(move || keeper.visits.add(SystemTime::now())).await;
    let id = id.map_err(|error| ApiError::Inside(error.to_string()))?;
    let id = id.map_err(|error| ApiError::Inside(format!("cannot write the list of visits: {error}")))?;
    let body = Json(json!({ "result": { "server": shared.server } }));
    Ok(([(header::SET_COOKIE, cookie::set(&shared.server, &id))], body).into_response())
}

/// A body that comes in time and is no larger than `most` bytes.
pub(crate) async fn read(body: Body, most: usize) -> Result<bytes::Bytes> {
    let malformed = |why: String| ApiError::Malformed(why);
    let body = tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(body, most)).await;
    let body = body.map_err(|_| malformed("its body took too long".into()))?;
    body.map_err(|_| malformed(format!("its body is cut off, or larger than {} KiB", most / 1024)))
}

/// Who asks, for slowing down: as the gateway says, else who is connected.
fn client(headers: &HeaderMap, connection: &Connection) -> Origin {
    // The gateway appends the address that it saw; what stands before it, anybody may have written.
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|line| line.to_str().ok());
    let forwarded =
        forwarded.and_then(|line| line.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
    Origin::of(forwarded.or(connection.client.map(|client| client.ip())))
}
